// Every checker must catch its anomaly in an otherwise clean history, and nothing else must; must
// say ALLOWED when the facts excuse it; and must agree with its naive twin on histories in which
// anything may happen.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "broker/base/prng.h"
#include "properties/history_builder.h"
#include "properties/naive_checkers.h"
#include "properties/property.h"

namespace tribunal {
namespace {

using Ids = std::set<std::string>;

std::vector<Check> judge(const RunLeftover& run) {
    return tribunal::judge(run.history, run.logs, run.facts);
}

const Check& check_of(const std::vector<Check>& checks, std::string_view id) {
    for (const Check& check : checks) {
        if (check.id == id) return check;
    }
    throw std::out_of_range("no check " + std::string(id));
}

Ids with_verdict(const std::vector<Check>& checks, Verdict verdict) {
    Ids ids;
    for (const Check& check : checks) {
        if (check.verdict == verdict) ids.insert(check.id);
    }
    return ids;
}

// What every finding owes its reader.
void expect_words(const std::vector<Check>& checks) {
    for (const Check& check : checks) {
        EXPECT_EQ(check.violations.size(),
                  std::min<std::uint64_t>(check.found, Check::kMaxWitnessed))
            << check.id;
        EXPECT_LE(check.found_allowed, check.found);
        EXPECT_EQ(check.note.empty(), check.verdict == Verdict::pass) << check.id;
        bool was_allowed = false;
        for (const Violation& v : check.violations) {
            EXPECT_EQ(v.property, check.id);
            EXPECT_FALSE(v.summary.empty()) << check.id;
            EXPECT_FALSE(v.because.empty()) << check.id;
            EXPECT_GE(v.explanation.size(), 2u) << check.id;
            EXPECT_GE(v.witnesses.size(), 1u) << check.id;
            EXPECT_LE(v.witnesses.size(), 8u) << check.id;
            EXPECT_TRUE(
                std::is_sorted(v.witnesses.begin(), v.witnesses.end(),
                               [](const Witness& a, const Witness& b) { return a.at < b.at; }))
                << check.id;
            EXPECT_TRUE(v.allowed || !was_allowed) << check.id << ": allowed findings come last";
            was_allowed = v.allowed;
            for (const std::string& sentence : v.explanation) {
                EXPECT_EQ(sentence.back(), '.') << check.id << ": " << sentence;
                EXPECT_EQ(sentence.find("client "), std::string::npos) << sentence;
            }
        }
    }
}

// Two acknowledged sends with nothing between their offsets.
struct Neighbours {
    TopicPartition partition;
    Offset first, second;
};
std::optional<Neighbours> neighbours(
    const RunLeftover& run,
    const std::function<bool(RecordUid, const SendOp&, RecordUid, const SendOp&)>& are_wanted) {
    for (const FinalLog& log : run.logs) {
        for (std::size_t i = 1; i < log.records.size(); ++i) {
            const FinalRecord& a = log.records[i - 1];
            const FinalRecord& b = log.records[i];
            if (are_wanted(a.uid, *run.history.send_of(a.uid), b.uid,
                           *run.history.send_of(b.uid))) {
                return Neighbours{log.partition, a.offset, b.offset};
            }
        }
    }
    return {};
}

bool swap_neighbours(
    RunLeftover& run,
    const std::function<bool(RecordUid, const SendOp&, RecordUid, const SendOp&)>& wanted) {
    const auto found = neighbours(run, wanted);
    if (!found) return false;
    swap_records(run, found->partition, found->first, found->second);
    return true;
}

// A poll with that many records, not the first of its process and partition.
std::optional<std::size_t> later_poll(const RunLeftover& run, std::uint32_t records) {
    for (std::size_t i = 0; i < run.history.polls.size(); ++i) {
        const PollOp& poll = run.history.polls[i];
        if (poll.records >= records && poll.position > Offset{0}) return i;
    }
    return {};
}

Offset offset_in(const RunLeftover& run, const PollOp& poll, std::uint32_t r) {
    return poll.base_offset +
           static_cast<std::int64_t>(run.history.reads[poll.first_record + r].offset_delta);
}
RecordUid uid_in(const RunLeftover& run, const PollOp& poll, std::uint32_t r) {
    return History::uid_of(run.history.reads[poll.first_record + r]);
}

// An acknowledged record in the middle of the first log.
const FinalRecord& middle(const RunLeftover& run) {
    return run.logs.front().records[run.logs.front().records.size() / 2];
}

void change_leader(RunLeftover& run, Instant at) {
    for (PartitionFacts& facts : run.facts.partitions) {
        facts.leader_changes.push_back(at);
        facts.deposed_leader_until = at;
    }
}
void elect_uncleanly(RunLeftover& run) {
    change_leader(run, run.history.end);
    for (PartitionFacts& facts : run.facts.partitions) {
        facts.unclean_elections.push_back(run.history.end);
    }
}
void lose_acks_1(RunLeftover& run) {
    for (ClientInfo& client : run.history.clients) client.acks = 1, client.idempotent = false;
    for (auto& sends : run.history.sends) {
        for (SendOp& send : sends) send.acks = 1;
    }
    change_leader(run, run.history.end);
}
void retain(RunLeftover& run) {
    for (PartitionFacts& facts : run.facts.partitions) facts.log_start_offset = Offset{100'000};
}
void reset_everything(RunLeftover& run) {
    for (const PollOp& poll : run.history.polls) {
        ClientOp reset;
        reset.kind = ClientOpKind::reset;
        reset.process = poll.process;
        reset.partition = poll.partition;
        reset.invoked = reset.completed = poll.completed;
        run.history.operations.push_back(reset);
    }
    std::sort(run.history.operations.begin(), run.history.operations.end(),
              [](const ClientOp& a, const ClientOp& b) {
                  return std::tuple(a.invoked, a.process, a.partition, a.kind, a.offset) <
                         std::tuple(b.invoked, b.process, b.partition, b.kind, b.offset);
              });
}

struct Plant {
    std::string id;
    CleanOptions options;
    std::function<bool(RunLeftover&)> plant;  // false: this history has no place for it
    // Facts or configuration that turn FAIL into `excused`; null when nothing excuses it.
    std::function<void(RunLeftover&)> excuse;
    Verdict excused = Verdict::allowed;
    Ids besides = {};  // ids that must be found with it, by definition
};

CleanOptions nobody_reads() {
    CleanOptions options;
    options.consumers = 0;
    return options;
}
// End offsets would contradict an order that is turned round afterwards.
CleanOptions nobody_asks() {
    CleanOptions options;
    options.end_offsets = false;
    return options;
}
CleanOptions one_reader() {
    CleanOptions options;
    options.consumers = 1;
    return options;
}

std::vector<Plant> plants() {
    std::vector<Plant> all;
    all.push_back({"D1", one_reader(),
                   [](RunLeftover& run) {
                       const auto poll = later_poll(run, 3);
                       if (!poll) return false;
                       erase_read(run, *poll, 1);
                       for (FinalLog& log : run.logs) log.readable = false;
                       return true;
                   },
                   retain});
    all.push_back({"D2", nobody_reads(),
                   [](RunLeftover& run) {
                       erase_from_log(run, run.logs.front().partition, middle(run).uid);
                       return true;
                   },
                   lose_acks_1});
    all.push_back({"D4", one_reader(),
                   [](RunLeftover& run) {
                       const FinalRecord record = middle(run);
                       SendOp& send = send_of(run, record.uid);
                       send.outcome = Outcome::info;
                       send.offset = kNoOffset;
                       erase_from_log(run, run.logs.front().partition, record.uid);
                       return true;
                   },
                   elect_uncleanly});
    all.push_back({"D9", nobody_reads(),
                   [](RunLeftover& run) {
                       lose_acks_1(run);  // so that D2 has an excuse
                       run.facts.any_fault = false;
                       erase_from_log(run, run.logs.front().partition, middle(run).uid);
                       return true;
                   },
                   [](RunLeftover& run) {
                       for (auto& sends : run.history.sends) {
                           for (SendOp& send : sends) send.acks = 0;
                       }
                   }});
    all.push_back({"D10",
                   {},
                   [](RunLeftover& run) {
                       run.history.reads[run.history.reads.size() / 2].sequence =
                           ReadRecord::kUnknownSequence;
                       return true;
                   },
                   nullptr});
    all.push_back({"D11",
                   {},
                   [](RunLeftover& run) {
                       run.history.reads[run.history.reads.size() / 2].flags = ReadRecord::kCorrupt;
                       return true;
                   },
                   [](RunLeftover& run) {
                       for (ClientInfo& client : run.history.clients) client.check_crcs = false;
                       for (PartitionFacts& f : run.facts.partitions) f.corrupted_disk = true;
                   }});
    all.push_back({"O1",
                   {},
                   [](RunLeftover& run) {
                       // One reader is given, in place of a record, one whose send nobody answered.
                       SendOp send = run.history.sends[0].back();
                       ReadRecord& read = run.history.reads[run.history.reads.size() / 2];
                       for (const PollOp& poll : run.history.polls) {
                           const auto at =
                               static_cast<std::uint64_t>(&read - run.history.reads.data());
                           if (at >= poll.first_record && at < poll.first_record + poll.records) {
                               send.partition = poll.partition.partition;
                           }
                       }
                       send.outcome = Outcome::info;
                       send.offset = kNoOffset;
                       send.error = 7;
                       run.history.sends[0].push_back(send);
                       read.client = 0;
                       read.sequence = static_cast<std::uint32_t>(run.history.sends[0].size() - 1);
                       for (FinalLog& log : run.logs) log.readable = false;
                       return true;
                   },
                   elect_uncleanly});
    all.push_back({"O2", nobody_asks(),
                   [](RunLeftover& run) {
                       return swap_neighbours(
                           run, [](RecordUid, const SendOp& a, RecordUid, const SendOp& b) {
                               return a.process == b.process && a.completed < b.invoked;
                           });
                   },
                   lose_acks_1});
    all.push_back({"O3", nobody_asks(),
                   [](RunLeftover& run) {
                       return swap_neighbours(
                           run, [](RecordUid, const SendOp& a, RecordUid, const SendOp& b) {
                               return a.process == b.process && a.completed >= b.invoked;
                           });
                   },
                   [](RunLeftover& run) {
                       for (ClientInfo& client : run.history.clients) {
                           client.idempotent = false;
                           client.retries = 5;
                       }
                   }});
    all.push_back({"O5",
                   {},
                   [](RunLeftover& run) {
                       const auto i = later_poll(run, 2);
                       if (!i) return false;
                       const PollOp poll = run.history.polls[*i];
                       insert_read(run, *i, 1, poll.base_offset, uid_in(run, poll, 0));
                       return true;
                   },
                   elect_uncleanly});
    all.push_back({"O6",
                   {},
                   [](RunLeftover& run) {
                       const auto i = later_poll(run, 3);
                       if (!i) return false;
                       erase_read(run, *i, 1);
                       return true;
                   },
                   retain});
    all.push_back({"O7",
                   {},
                   [](RunLeftover& run) {
                       // The poll before, of the same consumer, gives its last record again.
                       const auto i = later_poll(run, 1);
                       if (!i) return false;
                       const PollOp& poll = run.history.polls[*i];
                       for (std::size_t j = *i; j-- > 0;) {
                           const PollOp& before = run.history.polls[j];
                           if (before.process != poll.process ||
                               before.partition != poll.partition) {
                               continue;
                           }
                           insert_read(run, *i, 0, offset_in(run, before, before.records - 1),
                                       uid_in(run, before, before.records - 1));
                           return true;
                       }
                       return false;
                   },
                   reset_everything});
    all.push_back({"O8",
                   {},
                   [](RunLeftover& run) {
                       const auto i = later_poll(run, 2);
                       if (!i) return false;
                       erase_read(run, *i, 0);
                       return true;
                   },
                   reset_everything});
    all.push_back({"O9", nobody_asks(),
                   [](RunLeftover& run) {
                       return swap_neighbours(
                           run, [](RecordUid, const SendOp& a, RecordUid, const SendOp& b) {
                               return a.process != b.process && a.completed < b.invoked;
                           });
                   },
                   elect_uncleanly});
    all.push_back({"O10",
                   {},
                   [](RunLeftover& run) {
                       for (ClientOp& op : run.history.operations) {
                           if (op.kind != ClientOpKind::list_offsets_latest) continue;
                           for (const auto& sends : run.history.sends) {
                               for (const SendOp& send : sends) {
                                   if (send.topic_partition() != op.partition ||
                                       send.completed >= op.invoked) {
                                       continue;
                                   }
                                   op.offset = send.offset;
                                   return true;
                               }
                           }
                       }
                       return false;
                   },
                   [](RunLeftover& run) {
                       // Somebody was replaced long ago and did not notice until the end.
                       for (PartitionFacts& facts : run.facts.partitions) {
                           facts.leader_changes.push_back(Instant{1});
                           facts.deposed_leader_until = run.history.end;
                       }
                   }});
    all.push_back({"O13", nobody_reads(),
                   [](RunLeftover& run) {
                       auto& batches = run.logs.front().batches;
                       const FinalBatch middle = batches[batches.size() / 2];
                       for (FinalBatch& batch : batches) {
                           if (batch.producer != middle.producer) continue;
                           if (batch.base_offset < middle.base_offset) continue;
                           ++batch.base_sequence;
                           ++batch.last_sequence;
                       }
                       return middle.base_sequence > 0;
                   },
                   [](RunLeftover& run) { run.facts.producer_id_expiration = Duration{0}; }});
    all.push_back({"X1", nobody_reads(),
                   [](RunLeftover& run) {
                       auto& records = run.logs.front().records;
                       records.push_back(
                           {records.back().offset + 1, middle(run).uid, LeaderEpoch{0}});
                       return true;
                   },
                   [](RunLeftover& run) {
                       for (ClientInfo& client : run.history.clients) {
                           client.idempotent = false;
                           client.retries = 5;
                       }
                       for (auto& sends : run.history.sends) {
                           for (SendOp& send : sends) send.attempts = 2;
                       }
                   }});
    all.push_back({"X2", one_reader(),
                   [](RunLeftover& run) {
                       // The last poll is given an old record again, at an offset of its own.
                       if (run.history.polls.empty()) return false;
                       const std::size_t last = run.history.polls.size() - 1;
                       const PollOp poll = run.history.polls[last];
                       const Offset beyond = offset_in(run, poll, poll.records - 1) + 1;
                       const FinalLog& log = log_of(run, poll.partition);
                       if (log.records.size() < 9) return false;
                       insert_read(run, last, poll.records, beyond, log.records[4].uid);
                       for (FinalLog& each : run.logs) each.readable = false;
                       return true;
                   },
                   [](RunLeftover& run) {
                       for (ClientInfo& client : run.history.clients) {
                           client.idempotent = false;
                           client.retries = 5;
                       }
                       for (auto& sends : run.history.sends) {
                           for (SendOp& send : sends) send.attempts = 2;
                       }
                   }});
    all.push_back({"X3", nobody_reads(),
                   [](RunLeftover& run) {
                       // Told the hole in front of the record.
                       for (const FinalLog& log : run.logs) {
                           for (std::size_t i = 1; i < log.records.size(); ++i) {
                               const Offset hole = log.records[i].offset + -1;
                               if (log.records[i - 1].offset == hole) continue;
                               send_of(run, log.records[i].uid).offset = hole;
                               return true;
                           }
                       }
                       return false;
                   },
                   lose_acks_1});
    all.push_back({"L2",
                   {},
                   [](RunLeftover& run) {
                       run.facts.stuck_consumers.push_back(
                           {"c0", run.logs.front().partition, Offset{3}, Offset{9}});
                       return true;
                   },
                   [](RunLeftover& run) { run.facts.converged = false; },
                   Verdict::inconclusive});
    all.push_back({"L3",
                   {},
                   [](RunLeftover& run) {
                       SendOp send;
                       send.invoked = run.history.end;
                       send.topic = 0;
                       send.partition = 0;
                       run.history.sends[0].push_back(send);
                       return true;
                   },
                   [](RunLeftover& run) { run.facts.converged = false; },
                   Verdict::inconclusive});
    all.push_back({"L5",
                   {},
                   [](RunLeftover& run) {
                       run.facts.stale_images.push_back(NodeId{2});
                       return true;
                   },
                   [](RunLeftover& run) { run.facts.converged = false; },
                   Verdict::inconclusive});
    all.push_back({"L9",
                   {},
                   [](RunLeftover& run) {
                       run.facts.leaderless.push_back(run.logs.front().partition);
                       return true;
                   },
                   [](RunLeftover& run) { run.facts.partitions.front().deleted = true; }});
    return all;
}

TEST(Checkers, a_clean_history_has_no_finding_and_exercises_every_property) {
    Ids exercised;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        const RunLeftover run = clean_run(seed);
        const auto checks = judge(run);
        for (const Check& check : checks) {
            EXPECT_EQ(check.found, 0u) << "seed " << seed << " " << check.id << ": " << check.note;
            EXPECT_TRUE(check.verdict == Verdict::pass || check.verdict == Verdict::vacuous)
                << "seed " << seed << " " << check.id << ": " << check.note;
            if (check.verdict == Verdict::pass) exercised.insert(check.id);
        }
    }
    for (const Property& property : all_properties()) {
        EXPECT_EQ(exercised.contains(std::string(property.id)), !property.is_monitored)
            << property.id;
    }
}

TEST(Checkers, a_planted_anomaly_fails_its_property_and_no_other) {
    Ids planted;
    for (const Plant& plant : plants()) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            RunLeftover run = clean_run(seed, plant.options);
            run.facts.any_fault = true;
            if (!plant.plant(run)) continue;
            planted.insert(plant.id);
            const auto checks = judge(run);
            Ids want = plant.besides;
            want.insert(plant.id);
            EXPECT_EQ(with_verdict(checks, Verdict::fail), want)
                << plant.id << " seed " << seed << ": " << check_of(checks, plant.id).note;
            EXPECT_EQ(check_of(checks, plant.id).found - check_of(checks, plant.id).found_allowed,
                      1u)
                << plant.id << " seed " << seed;
            expect_words(checks);
        }
    }
    for (const Property& property : all_properties()) {
        // D3 never fails; monitors have their own tests.
        if (property.is_monitored || property.id == "D3") continue;
        EXPECT_TRUE(planted.contains(std::string(property.id))) << property.id;
    }
}

TEST(Checkers, what_the_facts_excuse_is_allowed) {
    for (const Plant& plant : plants()) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            RunLeftover run = clean_run(seed, plant.options);
            run.facts.any_fault = true;
            if (!plant.plant(run) || plant.excuse == nullptr) continue;
            plant.excuse(run);
            const auto checks = judge(run);
            const Check& check = check_of(checks, plant.id);
            EXPECT_EQ(check.verdict, plant.excused)
                << plant.id << " seed " << seed << ": " << check.note;
            EXPECT_FALSE(check.note.empty());
            expect_words(checks);
        }
    }
}

TEST(Checkers, nothing_excuses_a_record_that_nobody_sent) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        RunLeftover run = clean_run(seed);
        run.history.reads[3].sequence = ReadRecord::kUnknownSequence;
        elect_uncleanly(run);
        for (PartitionFacts& facts : run.facts.partitions) {
            facts.deleted = true;
            facts.corrupted_disk = true;
            facts.budget_exhausted_at = Instant{0};
        }
        EXPECT_EQ(check_of(judge(run), "D10").verdict, Verdict::fail);
    }
}

// A consumer that stops early leaves records unseen: never lost, and undecided without a log.
TEST(Checkers, unseen_is_not_lost) {
    RunLeftover run = clean_run(7, one_reader());
    while (run.history.polls.size() > 4) {
        run.history.reads.resize(run.history.polls.back().first_record);
        run.history.polls.pop_back();
    }
    auto checks = judge(run);
    EXPECT_EQ(check_of(checks, "D3").verdict, Verdict::allowed);
    EXPECT_TRUE(with_verdict(checks, Verdict::fail).empty());
    expect_words(checks);
    for (FinalLog& log : run.logs) log.readable = false;
    checks = judge(run);
    EXPECT_EQ(check_of(checks, "D3").verdict, Verdict::inconclusive);
    EXPECT_EQ(check_of(checks, "D2").verdict, Verdict::inconclusive);
    EXPECT_TRUE(with_verdict(checks, Verdict::fail).empty());
}

// acks=0 learns no offset; the loss is seen all the same, and never counts.
TEST(Checkers, a_loss_with_acks_0_is_allowed) {
    CleanOptions options = nobody_reads();
    options.acks = 0;
    options.idempotent = false;
    for (const Outcome outcome : {Outcome::ok, Outcome::info}) {
        RunLeftover run = clean_run(3, options);
        for (auto& sends : run.history.sends) {
            for (SendOp& send : sends) send.outcome = outcome;
        }
        erase_from_log(run, run.logs.front().partition, middle(run).uid);
        const auto checks = judge(run);
        EXPECT_EQ(check_of(checks, "D2").verdict, Verdict::allowed);
        EXPECT_EQ(check_of(checks, "D2").found, 1u);
        EXPECT_TRUE(with_verdict(checks, Verdict::fail).empty());
    }
}

TEST(Checkers, a_group_that_starts_at_the_end_lost_nothing) {
    RunLeftover run = clean_run(5, one_reader());
    // The consumer's first poll never happened: it began behind it.
    const PollOp first = run.history.polls.front();
    run.history.polls.erase(run.history.polls.begin());
    for (PollOp& poll : run.history.polls) {
        if (poll.partition == first.partition) {
            poll.position = poll.base_offset;
            break;
        }
    }
    const auto checks = judge(run);
    EXPECT_EQ(check_of(checks, "D1").verdict, Verdict::allowed);
    EXPECT_EQ(check_of(checks, "D1").found, first.records);
    EXPECT_TRUE(with_verdict(checks, Verdict::fail).empty());
}

// After an unclean election the log is shorter than what a consumer has read of it. The reset takes
// the consumer past what was written in between, where it has read something else already.
TEST(Checkers, a_reset_may_jump_over_what_was_written_behind_the_consumer) {
    const auto verdict_when = [](auto&& edit) {
        RunLeftover run = clean_run(5, one_reader());
        const TopicPartition tp = run.logs.front().partition;
        FinalLog& log = log_of(run, tp);
        const FinalRecord replaced = log.records[log.records.size() / 2];
        // The new leader writes another record at its place, after all polls.
        const RecordUid uid = replaced.uid;
        std::vector<SendOp>& sends = run.history.sends[History::client_of(uid)];
        SendOp written = send_of(run, uid);
        send_of(run, uid).outcome = Outcome::info;
        send_of(run, uid).offset = kNoOffset;
        run.history.end = run.history.end + seconds(1);
        written.invoked = written.completed = run.history.end;
        ClientOp reset;
        reset.kind = ClientOpKind::reset;
        reset.partition = tp;
        for (const PollOp& poll : run.history.polls) reset.process = poll.process;
        reset.invoked = reset.completed = run.history.end;
        edit(run, written, reset);
        sends.push_back(written);
        for (FinalRecord& record : log.records) {
            if (record.offset == replaced.offset) {
                record.uid = History::uid_of(History::client_of(uid),
                                             static_cast<std::uint32_t>(sends.size() - 1));
            }
        }
        run.facts.any_fault = true;
        if (reset.kind == ClientOpKind::reset) run.history.operations.push_back(reset);
        return check_of(judge(run), "D1").verdict;
    };
    EXPECT_EQ(verdict_when([](RunLeftover&, SendOp&, ClientOp&) {}), Verdict::allowed);
    EXPECT_EQ(verdict_when([](RunLeftover&, SendOp&, ClientOp& reset) {
                  reset.kind = ClientOpKind::assign;
              }),
              Verdict::fail)
        << "nobody moved the consumer";
    EXPECT_EQ(verdict_when([](RunLeftover& run, SendOp&, ClientOp& reset) {
                  for (PollOp& poll : run.history.polls) {
                      poll.invoked = poll.completed = run.history.end + seconds(1);
                  }
                  reset.invoked = reset.completed = run.history.end + seconds(1);
              }),
              Verdict::fail)
        << "the record was there when the consumer came by";
}

// The old leader acknowledges until it learns that it is none.
TEST(Checkers, acks_1_promises_nothing_while_a_deposed_leader_may_answer) {
    RunLeftover run = clean_run(9, nobody_reads());
    lose_acks_1(run);
    const RecordUid lost = middle(run).uid;
    const SendOp& send = send_of(run, lost);
    erase_from_log(run, run.logs.front().partition, lost);
    PartitionFacts& facts = facts_of(run, run.logs.front().partition);
    facts.leader_changes = {send.invoked - nanoseconds(1)};
    const auto verdict_when = [&](Instant deposed_until) {
        facts.deposed_leader_until = deposed_until;
        return check_of(judge(run), "D2").verdict;
    };
    EXPECT_EQ(verdict_when(kNever), Verdict::allowed);  // nobody watched
    EXPECT_EQ(verdict_when(send.invoked), Verdict::allowed);
    EXPECT_EQ(verdict_when(send.invoked - nanoseconds(1)), Verdict::fail);
    EXPECT_EQ(verdict_when(Instant{-1}), Verdict::fail);
}

TEST(Checkers, a_duplicate_in_another_partition_is_never_a_retry) {
    RunLeftover run = clean_run(4, nobody_reads());
    for (ClientInfo& client : run.history.clients) client.idempotent = false, client.retries = 5;
    auto& other = run.logs.back().records;
    other.push_back({other.back().offset + 1, middle(run).uid, LeaderEpoch{0}});
    EXPECT_EQ(check_of(judge(run), "X1").verdict, Verdict::fail);
}

TEST(Checkers, offsets_far_apart_cost_nothing) {
    RunLeftover run = clean_run(6);
    SendOp& last = run.history.sends[0].back();
    last.offset = Offset{INT64_MAX - 1};
    const auto checks = judge(run);
    EXPECT_EQ(check_of(checks, "X3").verdict, Verdict::fail);
}

TEST(Checkers, only_ten_findings_are_told_but_all_are_counted) {
    RunLeftover run = clean_run(2, nobody_reads());
    run.facts.any_fault = true;
    const std::size_t all = run.logs.front().records.size();
    run.logs.front().records.clear();
    const auto checks = judge(run);
    EXPECT_EQ(check_of(checks, "D2").found, all);
    EXPECT_EQ(check_of(checks, "D2").violations.size(), Check::kMaxWitnessed);
    expect_words(checks);
}

void expect_like_naive(const RunLeftover& run, const std::string& where) {
    const auto naive = judge_naively(run);
    for (const Check& check : judge(run)) {
        if (find_property(check.id)->is_monitored) continue;
        const auto it = naive.find(check.id);
        const NaiveCount want = it == naive.end() ? NaiveCount{} : it->second;
        ASSERT_EQ(check.found, want.found) << where << check.id << ": " << check.note;
        ASSERT_EQ(check.found_allowed, want.allowed) << where << check.id << ": " << check.note;
        const bool is_undecided = check.verdict == Verdict::inconclusive;
        if (check.group != "LIVE") {
            ASSERT_EQ(is_undecided, want.is_undecided && want.found == want.allowed)
                << where << check.id << ": " << check.note;
        }
    }
}

bool is_like_naive(const RunLeftover& run) {
    const auto naive = judge_naively(run);
    for (const Check& check : judge(run)) {
        const auto it = naive.find(check.id);
        const NaiveCount want = it == naive.end() ? NaiveCount{} : it->second;
        if (find_property(check.id)->is_monitored) continue;
        if (check.found != want.found || check.found_allowed != want.allowed) return false;
    }
    return true;
}

// Short histories, which shrink to the fewest steps that make the two disagree.
RC_GTEST_PROP(Checkers, agree_with_their_naive_twins_on_short_histories, ()) {
    const auto words = *rc::gen::resize(60, rc::gen::container<std::vector<std::uint32_t>>(
                                                rc::gen::inRange<std::uint32_t>(0, 1'000'000'000)));
    RC_ASSERT(is_like_naive(messy_run(words)));
}

// And longer ones: more of everything at once.
TEST(Checkers, agree_with_their_naive_twins_on_messy_histories) {
    Ids found;
    Ids illegal;
    for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
        Prng random{seed};
        std::vector<std::uint32_t> words(20 + random.below(100));
        for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random.next());
        const RunLeftover run = messy_run(words);
        expect_like_naive(run, "seed " + std::to_string(seed) + " ");
        if (HasFatalFailure()) return;
        for (const Check& check : judge(run)) {
            if (check.found_allowed > 0) found.insert(check.id);
            if (check.found > check.found_allowed) illegal.insert(check.id);
        }
    }
    // The comparison is worth something only if both verdicts occur.
    for (const Property& property : all_properties()) {
        const std::string id(property.id);
        if (property.is_monitored) continue;
        EXPECT_TRUE(illegal.contains(id) || id == "D3") << id;
        EXPECT_TRUE(found.contains(id) || id == "D10" || id == "L5") << id;
    }
}

TEST(Checkers, messy_findings_are_told_in_full) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        Prng random{~seed};
        std::vector<std::uint32_t> words(80);
        for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random.next());
        expect_words(judge(messy_run(words)));
        if (HasFailure()) return;
    }
}

TEST(Checkers, say_the_same_twice) {
    const auto text = [](const std::vector<Check>& checks) {
        std::string all;
        for (const Check& check : checks) {
            all += check.id + check.note + std::to_string(check.found);
            for (const Violation& v : check.violations) {
                all += v.summary + v.because;
                for (const std::string& sentence : v.explanation) all += sentence;
                for (const Witness& witness : v.witnesses) all += witness.text;
            }
        }
        return all;
    };
    std::vector<std::uint32_t> words(100);
    Prng random{11};
    for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random.next());
    EXPECT_EQ(text(judge(messy_run(words))), text(judge(messy_run(words))));
}

}  // namespace
}  // namespace tribunal
