#include "properties/recorder.h"

#include <algorithm>

#include "properties/replica_view.h"

namespace tribunal {
namespace {

std::string topic_name(const ClusterImage& image, TopicId id) {
    const TopicImage* topic = image.topic(id);
    return topic == nullptr ? "topic " + std::to_string(id.value) : topic->name;
}

PartitionPromise promise_of(const TopicImage& topic, std::int32_t partition) {
    return {topic.name + "-" + std::to_string(partition),
            topic.config.unclean_leader_election_enable, topic.config.flush_messages == 1};
}

std::uint32_t client_index(const Node& node) {
    return std::visit(
        Overloaded{[](const Producer& p) { return p.client; },
                   [](const Consumer& c) { return c.client; },
                   [](const Admin& a) { return a.client; }, [](const auto&) { return 0u; }},
        node);
}

std::size_t index_of(const World& world, const Host& host) {
    return world.index_of(id_of(host.node));
}

// What a completed send means for the truth of it.
Outcome outcome_of(const SendCompleted& done, std::int8_t acks) {
    if (done.error == ErrorCode::none) return acks == 0 ? Outcome::info : Outcome::ok;
    if (done.unknown) return Outcome::info;
    // The only time-out that the client vouches for is the one of a record that it never sent.
    if (done.error == ErrorCode::request_timed_out) return Outcome::fail;
    return outcome_of(done.error);
}

StorageLoss loss_of(FaultKind how) {
    switch (how) {
        case FaultKind::stop:
            return StorageLoss::flushed;
        case FaultKind::power_loss:
            return StorageLoss::power;
        case FaultKind::wipe:
            return StorageLoss::wipe;
        default:
            return StorageLoss::none;
    }
}

}  // namespace

PartitionView view_of(const World& world, const ClusterImage& image, TopicPartition tp) {
    PartitionView view = controllers_view(image, world.controller().config.rules, tp);
    if (view.isr == nullptr) return view;
    const std::vector<NodeId>& replicas = image.partition(tp)->replicas;
    NodeId node{-1};
    while (true) {
        // The next one in the order of their ids: they are few. One that stands there twice, which
        // the controller's monitor reports (R15), is seen once.
        constexpr NodeId kNobody{INT32_MAX};
        NodeId next = kNobody;
        for (const NodeId replica : replicas) {
            if (replica > node && replica < next) next = replica;
        }
        if (next == kNobody) break;
        node = next;
        const Host& host = world.host(node);
        const Broker& broker = *broker_of(host.node);
        const bool running = host.power == Power::up && host.started;
        ReplicaView& replica = add_replica(view, broker, running);
        replica.standing = standing_of(broker, running, image);
        replica.wall_clock = world.wall_clock(host);
    }
    return view;
}

Recorder::Recorder(const World& world) {
    client_by_host_.assign(world.hosts.size(), -1);
    for (std::size_t i = 0; i < world.hosts.size(); ++i) {
        const Host& host = *world.hosts[i];
        if (controller_of(host.node) != nullptr) controllers_.push_back(i);
        if (!is_client(host.node)) continue;
        const std::uint32_t client = client_index(host.node);
        client_by_host_[i] = static_cast<std::int32_t>(client);
        if (history_.clients.size() <= client) history_.clients.resize(client + 1);
        ClientInfo& info = history_.clients[client];
        info.name = host.name;
        info.node = id_of(host.node);
        if (const auto* p = std::get_if<Producer>(&host.node)) {
            info.acks = static_cast<std::int8_t>(p->config.acks);
            info.idempotent = p->config.idempotence;
            info.max_in_flight = p->config.max_in_flight;
            info.retries = p->config.retries;
        }
        if (const auto* c = std::get_if<Consumer>(&host.node)) {
            info.check_crcs = c->config.check_crcs;
            info.auto_offset_reset = c->config.auto_offset_reset;
            info.validates_position = c->config.rules.validates_position;
        }
    }
    history_.sends.resize(history_.clients.size());
    operations_.resize(history_.clients.size());
    process_.assign(history_.clients.size(), 0);
}

// Before the records that an alteration brings with it, which stand in front of it.
void Recorder::announce_alterations(const Controller& controller, Offset from) {
    controller.raft.log.for_each(
        from, controller.raft.log.end_offset, [&](Offset, const RaftRecord& r) {
            const MetadataRecord* record = r.metadata();
            const auto* altered =
                record == nullptr ? nullptr : std::get_if<TopicConfigRecord>(record);
            const TopicImage* topic = altered == nullptr ? nullptr : image_.topic(altered->topic);
            if (topic == nullptr ||
                topic->config.min_insync_replicas == altered->config.min_insync_replicas) {
                return;
            }
            for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
                monitor_.on_altering_min_isr({topic->id, static_cast<std::int32_t>(i)});
            }
        });
}

void Recorder::follow_metadata(const World& world, const Controller& controller) {
    const auto records = metadata_monitor_.on_committed(world.now(), controller);
    if (!records.empty()) {
        const auto count = static_cast<std::int64_t>(records.size());
        announce_alterations(controller, Offset{metadata_monitor_.end().value - count});
    }
    for (const RaftRecord& committed : records) {
        const MetadataRecord* metadata = committed.metadata();
        if (metadata == nullptr) continue;
        ++metadata_records_;
        const MetadataRecord& record = *metadata;
        if (const auto* removed = std::get_if<RemoveTopicRecord>(&record)) {
            const TopicImage* topic = image_.topic(removed->topic);
            for (std::size_t i = 0; topic != nullptr && i < topic->partitions.size(); ++i) {
                monitor_.on_deleted({removed->topic, static_cast<std::int32_t>(i)});
                storage_.on_deleted({removed->topic, static_cast<std::int32_t>(i)});
            }
            metadata_monitor_.on_deleted(removed->topic);
        }
        if (const auto* change = std::get_if<PartitionChangeRecord>(&record)) {
            if (change->leader) ++elections_;
        }
        if (monitors) controller_monitor_.on_record(world.now(), image_, record);
        if (const char* why = replay(image_, record)) {
            metadata_monitor_.on_misfit(world.now(), controller, why);
            break;
        }
        if (const auto* created = std::get_if<PartitionRecord>(&record)) {
            const TopicImage& topic = *image_.topic(created->partition.topic);
            storage_.on_created(created->partition,
                                topic.name + "-" + std::to_string(created->partition.partition));
            monitor_.on_created(created->partition,
                                promise_of(topic, created->partition.partition));
        }
        if (const auto* altered = std::get_if<TopicConfigRecord>(&record)) {
            const TopicImage& topic = *image_.topic(altered->topic);
            for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
                const auto index = static_cast<std::int32_t>(i);
                monitor_.on_altered({topic.id, index}, promise_of(topic, index));
            }
        }
        // Record by record: an unclean election may be undone by the next one of the same fetch.
        if (const auto tp = changed_partition(record)) observe(world, *tp, controller.id);
    }
    if (monitors) metadata_monitor_.on_controller_image(world.now(), controller, image_);
}

void Recorder::observe_quorum(const World& world, NodeId changed) {
    if (!monitors) return;
    boost::container::small_vector<QuorumNodeView, 8> views;
    std::size_t which = 0;
    for (const std::size_t i : controllers_) {
        const Host& host = *world.hosts[i];
        const Controller& controller = *controller_of(host.node);
        if (controller.id == changed) which = views.size();
        views.push_back({&controller.raft, host.power == Power::up && host.started});
    }
    quorum_.observe(world.now(), {views.data(), views.size()}, which);
    if (quorum_.has_lost_records()) on_metadata_lost(world.now());
}

bool Recorder::observe_progress(const World& world, TopicPartition tp, const Host& host) {
    const Broker* broker = broker_of(host.node);
    if (broker == nullptr) return false;
    ReplicaView replica;
    show_replica(replica, *broker, tp, host.power == Power::up && host.started);
    if (!monitor_.observe_progress(tp, replica, metadata_version())) return false;
    replica.wall_clock = world.wall_clock(host);
    storage_.observe_progress(world.now(), tp, replica);
    return true;
}

void Recorder::observe(const World& world, TopicPartition tp, NodeId whose) {
    if (!monitors) return;
    PartitionView view = view_of(world, image_, tp);
    if (view.isr == nullptr) return;
    view.metadata_version = metadata_version();
    monitor_.observe(world.now(), view);
    storage_.observe(world.now(), view, whose);
}

void Recorder::on_polled(Instant now, std::uint32_t client, const PollReturned& poll) {
    PollOp op;
    op.invoked = now;
    op.completed = now;
    op.partition = poll.partition;
    op.position = poll.position;
    op.first_record = history_.reads.size();
    op.process = process_[client];
    op.assignment = poll.assignment;
    op.base_offset = kNoOffset;
    for (const RecordBatch& batch : *poll.batches) {
        if (batch.last_offset() < poll.from) continue;
        if (batch.base_offset >= poll.until) break;
        for_each_record(batch, [&](const RecordView& record) {
            if (record.offset < poll.from || record.offset >= poll.until) return;
            if (op.base_offset == kNoOffset) op.base_offset = record.offset;
            ReadRecord read;
            read.offset_delta =
                static_cast<std::uint32_t>(record.offset.value - op.base_offset.value);
            const SendOp* send = history_.send_of(record.uid);
            if (send == nullptr) {
                read.sequence = ReadRecord::kUnknownSequence;
            } else {
                read.client = static_cast<std::uint16_t>(History::client_of(record.uid));
                read.sequence = static_cast<std::uint32_t>(History::sequence_of(record.uid));
                if (send->content != record.content_digest()) read.flags |= ReadRecord::kCorrupt;
            }
            history_.reads.push_back(read);
            ++op.records;
        });
    }
    if (op.records > 0) history_.polls.push_back(op);
}

void Recorder::on_operation(Instant now, std::uint32_t client, const ClientOperation& operation) {
    auto& ids = operations_[client];
    if (!operation.completed) {
        if (ids.size() <= operation.id) ids.resize(operation.id + 1, UINT32_MAX);
        ids[operation.id] = static_cast<std::uint32_t>(history_.operations.size());
        ClientOp op;
        op.kind = operation.kind;
        op.process = process_[client];
        op.partition = operation.partition;
        op.offset = operation.offset;
        op.invoked = now;
        history_.operations.push_back(op);
        return;
    }
    if (operation.id >= ids.size() || ids[operation.id] == UINT32_MAX) return;
    ClientOp& op = history_.operations[ids[operation.id]];
    op.completed = now;
    op.error = operation.error;
    op.partition = operation.partition;
    op.offset = operation.offset;
    if (op.kind == ClientOpKind::create_topic && operation.error == ErrorCode::none &&
        !operation.unknown && operation.partition.topic >= TopicId{0}) {
        metadata_monitor_.on_created(now, operation.partition.topic,
                                     topic_name(image_, operation.partition.topic));
    }
    op.outcome = operation.unknown                    ? Outcome::info
                 : operation.error == ErrorCode::none ? Outcome::ok
                                                      : outcome_of(operation.error);
}

void Recorder::on_step(const World& world, const Host& host, const Input& input,
                       const Outbox& out) {
    const Instant now = world.now();
    if (std::holds_alternative<Start>(input)) {
        if (const std::int32_t client = client_by_host_[index_of(world, host)]; client >= 0) {
            process_[static_cast<std::size_t>(client)] =
                static_cast<std::uint16_t>(history_.processes.size());
            history_.processes.push_back({static_cast<std::uint32_t>(client), now, kNever});
        }
    }
    if (monitors && (std::holds_alternative<WriteDone>(input) || !told_bounds_.empty())) {
        before_storage(world, host, input, out);
    }
    touched_.clear();
    const bool is_quorum_touched = !out.notes.empty() && take_notes(world, host, out);
    if (!monitors) return;
    if (const Controller* controller = controller_of(host.node)) {
        controller_monitor_.on_step(now, *controller, input, out);
    }
    if (is_quorum_touched) observe_quorum(world, id_of(host.node));
    for (const TopicPartition tp : touched_) {
        if (!observe_progress(world, tp, host)) observe(world, tp, id_of(host.node));
    }
    if (const Broker* broker = broker_of(host.node)) follow_effects(world, *broker, out);
}

bool Recorder::take_notes(const World& world, const Host& host, const Outbox& out) {
    const std::int32_t client = client_by_host_[index_of(world, host)];
    bool is_quorum_touched = false;
    for (const Note& note : out.notes) {
        if (std::holds_alternative<QuorumTouched>(note)) {
            is_quorum_touched = true;
        } else if (const auto* touched = std::get_if<PartitionTouched>(&note)) {
            if (std::find(touched_.begin(), touched_.end(), touched->partition) == touched_.end()) {
                touched_.push_back(touched->partition);
            }
        } else if (std::holds_alternative<ImageChanged>(note)) {
            if (const Controller* controller = controller_of(host.node)) {
                follow_metadata(world, *controller);
            }
            if (const Broker* b = broker_of(host.node); b != nullptr && monitors) {
                metadata_monitor_.on_image(world.now(), b->id, b->image, b->image_offset, image_);
            }
        } else if (client >= 0) {
            take_client_note(world.now(), host, static_cast<std::uint32_t>(client), note);
        }
    }
    return is_quorum_touched;
}

void Recorder::take_client_note(Instant now, const Host& host, std::uint32_t client,
                                const Note& note) {
    const auto send_of = [&](RecordUid uid) -> SendOp& {
        return history_.sends[client][History::sequence_of(uid)];
    };
    if (const auto* invoked = std::get_if<SendInvoked>(&note)) {
        SendOp op;
        op.invoked = now;
        op.content = invoked->content;
        op.process = process_[client];
        op.acks = static_cast<std::int8_t>(invoked->acks);
        history_.sends[client].push_back(op);
    } else if (const auto* placed = std::get_if<SendPartitioned>(&note)) {
        SendOp& op = send_of(placed->uid);
        op.topic = placed->partition.topic.value;
        op.partition = placed->partition.partition;
        op.attempts = 1;
    } else if (const auto* retried = std::get_if<SendRetried>(&note)) {
        for (const RecordUid uid : retried->uids) ++send_of(uid).attempts;
    } else if (const auto* done = std::get_if<SendCompleted>(&note)) {
        SendOp& op = send_of(done->uid);
        op.completed = now;
        op.offset = done->offset;
        op.error = static_cast<std::int16_t>(done->error);
        op.outcome = outcome_of(*done, op.acks);
        if (op.outcome == Outcome::ok && op.acks == -1 && monitors) {
            monitor_.on_acknowledged(now, op.topic_partition(), op.offset, done->uid);
        }
    } else if (const auto* poll = std::get_if<PollReturned>(&note)) {
        on_polled(now, client, *poll);
    } else if (const auto* operation = std::get_if<ClientOperation>(&note)) {
        on_operation(now, client, *operation);
    } else if (const auto* failed = std::get_if<DeserializationFailed>(&note)) {
        application_errors_.push_back(host.name + ": poll() throws at " +
                                      topic_name(image_, failed->partition.topic) + "-" +
                                      std::to_string(failed->partition.partition) + "@" +
                                      std::to_string(failed->offset.value) + ": " + failed->why);
    }
}

// What a broker answers, and what it hands to its disk.
void Recorder::follow_effects(const World& world, const Broker& broker, const Outbox& out) {
    bool syncs = false;
    for (const Effect& effect : out.effects) {
        if (const auto* send = std::get_if<Send>(&effect)) {
            if (!send->is_response) continue;
            if (broker.config.replica_selector_rack_aware) follow_read(world, broker, *send);
            follow_answer(world, broker, *send);
        } else if (const auto* write = std::get_if<Write>(&effect)) {
            syncs = syncs || write->sync;
        }
    }
    if (syncs) follow_flushes(broker, out);
}

// What a follower answers to consumers (KIP-392).
void Recorder::follow_read(const World& world, const Broker& broker, const Send& answer) {
    const auto* response = answer.message.get_if<FetchResponse>();
    if (response == nullptr || broker_of(world.host(answer.connection.client).node) != nullptr) {
        return;
    }
    for (const FetchPartitionResponse& r : response->partitions) {
        const Partition* p = find_partition(broker, r.partition);
        if (p == nullptr || p->leader() != nullptr || r.batches.empty()) continue;
        monitor_.on_served_by_follower(world.now(), r.partition, broker.id, r.batches);
    }
}

void Recorder::on_crash(const World& world, const Host& host, FaultKind how) {
    const Instant now = world.now();
    const std::int32_t client = client_by_host_[index_of(world, host)];
    if (client >= 0) {
        if (!history_.processes.empty())
            history_.processes[process_[static_cast<std::size_t>(client)]].ended = now;
        return;
    }
    const NodeId node = id_of(host.node);
    if (const Broker* b = broker_of(host.node)) {
        storage_.on_crash(node, loss_of(how));
        if (how == FaultKind::power_loss) monitor_.on_lossy_crash(now, node, DataLoss::power);
        if (how == FaultKind::wipe) monitor_.on_lossy_crash(now, node, DataLoss::wipe);
        for (const auto& [id, topic] : image_.topics) {
            for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
                const auto& replicas = topic->partitions[i].replicas;
                if (std::find(replicas.begin(), replicas.end(), b->id) != replicas.end()) {
                    observe(world, {id, static_cast<std::int32_t>(i)}, node);
                }
            }
        }
    }
    const Controller* controller = controller_of(host.node);
    if (controller == nullptr) return;
    controller_monitor_.on_crash(node);
    if (how == FaultKind::wipe) on_wiped(world, *controller);
    observe_quorum(world, node);
}

void Recorder::on_wiped(const World& world, const Controller& wiped) {
    quorum_.on_disk_lost(world.now(), wiped.id);
    // A leader is elected by a majority. Every majority has somebody with all that was committed as
    // long as a majority has it; and one that forgot whom it voted for is nobody's majority.
    std::size_t voters = 0;
    std::size_t whole = 0;
    for (const auto& host : world.hosts) {
        const Controller* c = controller_of(host->node);
        if (c == nullptr) continue;
        ++voters;
        if (c->id != wiped.id && metadata_monitor_.is_whole(*c)) ++whole;
    }
    if (whole < voters / 2 + 1) on_metadata_lost(world.now());
}

void Recorder::on_metadata_lost(Instant now) {
    monitor_.on_metadata_lost(now);
    metadata_monitor_.on_metadata_lost(now);
    controller_monitor_.on_metadata_lost();
    metadata_lost_at_ = std::min(metadata_lost_at_, now);
}

void Recorder::finish(const World& world, const RunOutcome& outcome) {
    history_.end = world.now();
    if (!monitors) return;
    for (const auto& [id, topic] : image_.topics) {
        for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
            const TopicPartition tp{id, static_cast<std::int32_t>(i)};
            // Each replica cleans its log for itself: only the plain ones are equal.
            const bool at_rest = outcome.converged && !topic->config.cleanup_compact;
            monitor_.on_end(world.now(), view_of(world, image_, tp), at_rest);
        }
    }
    for (const auto& host : world.hosts) {
        if (host->power != Power::up || !host->started) continue;
        if (const Controller* c = controller_of(host->node)) {
            metadata_monitor_.on_controller_image(world.now(), *c, image_, true);
        }
        if (const Broker* b = broker_of(host->node)) {
            metadata_monitor_.on_image(world.now(), b->id, b->image, b->image_offset, image_, true);
        }
    }
}

void Recorder::on_fault(const World& world, const LedgerEntry& entry) {
    // Both its begin and its end: a process may have started meanwhile.
    if (entry.kind == FaultKind::pause) {
        for (const NodeId node : entry.nodes) storage_.on_paused(node);
    }
    if (entry.kind == FaultKind::clock_offset || entry.kind == FaultKind::clock_drift) {
        storage_.on_clock_moved(world.now());
    }
}

std::vector<FinalLog> Recorder::final_logs(const World& world) const {
    std::vector<FinalLog> logs;
    for (const auto& [id, topic] : image_.topics) {
        if (topic->name == kOffsetsTopic) continue;
        for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
            FinalLog log;
            log.partition = {id, static_cast<std::int32_t>(i)};
            const PartitionImage& image = topic->partitions[i];
            const Partition* p = nullptr;
            if (image.leader != kNoNode && world.host(image.leader).power == Power::up) {
                p = find_partition(*broker_of(world.host(image.leader).node), log.partition);
            }
            if (p == nullptr || p->leader() == nullptr) {
                log.readable = false;
                logs.push_back(std::move(log));
                continue;
            }
            log.log_start_offset = p->log.log_start_offset;
            log.high_watermark = p->high_watermark;
            log.compacted = topic->config.cleanup_compact;
            p->log.for_each_batch(p->log.log_start_offset, [&](const RecordBatch& batch) {
                if (batch.has_producer_id() && !batch.is_control()) {
                    log.batches.push_back({batch.base_offset, batch.producer_id,
                                           batch.producer_epoch, batch.base_sequence,
                                           batch.last_sequence(), batch.max_timestamp});
                }
                for_each_record(batch, [&](const RecordView& record) {
                    if (record.offset < p->log.log_start_offset) return;
                    log.records.push_back({record.offset, record.uid, batch.leader_epoch});
                });
            });
            logs.push_back(std::move(log));
        }
    }
    return logs;
}

RunFacts Recorder::facts(const World& world, const RunOutcome& outcome) const {
    RunFacts facts;
    facts.any_fault = !world.ledger.empty();
    facts.converged = outcome.converged;
    facts.unconverged = outcome.unconverged;
    facts.partitions = monitor_.facts();
    storage_.add_to(facts.partitions);
    facts.leader_elections = elections_;
    facts.metadata_records = metadata_records_;
    for (PartitionFacts& p : facts.partitions) {
        p.metadata_lost_at = metadata_lost_at_;
        const TopicImage* topic = image_.topic(p.partition.topic);
        const PartitionImage* image = image_.partition(p.partition);
        if (topic == nullptr || image == nullptr) {
            p.deleted = true;
            continue;
        }
        p.replication_factor = static_cast<std::int32_t>(image->replicas.size());
        p.min_insync_replicas = topic->config.min_insync_replicas;
        p.unclean_leader_election_enabled = topic->config.unclean_leader_election_enable;
        if (image->leader == kNoNode) {
            facts.leaderless.push_back(p.partition);
        } else if (const Partition* leader =
                       find_partition(*broker_of(world.host(image->leader).node), p.partition)) {
            p.log_start_offset = std::max(p.log_start_offset, leader->log.log_start_offset);
        }
    }
    std::int32_t topics = image_.next_topic.value;
    facts.topic_names.resize(static_cast<std::size_t>(topics));
    for (std::int32_t i = 0; i < topics; ++i) {
        facts.topic_names[static_cast<std::size_t>(i)] = topic_name(image_, TopicId{i});
    }
    for (const auto& host : world.hosts) {
        if (const Broker* b = broker_of(host->node)) {
            if (host->power == Power::up) ++facts.live_brokers;
            facts.producer_id_expiration = b->config.producer_id_expiration;
            if (host->power == Power::up && b->image_offset < world.controller().committed()) {
                facts.stale_images.push_back(b->id);
            }
        }
        const auto* c = std::get_if<Consumer>(&host->node);
        if (c == nullptr) continue;
        for (const Assigned& a : c->assigned) {
            const PartitionImage* image = image_.partition(a.id);
            if (a.state == PositionState::failed || image == nullptr || image->leader == kNoNode)
                continue;
            const Partition* p = find_partition(*broker_of(world.host(image->leader).node), a.id);
            if (p == nullptr || p->leader() == nullptr) continue;
            if (a.state != PositionState::valid || a.position.offset < p->high_watermark) {
                facts.stuck_consumers.push_back(
                    {host->name, a.id, a.position.offset, p->high_watermark});
            }
        }
    }
    return facts;
}

}  // namespace tribunal
