#include "scenarios/divergence.h"

#include <fmt/format.h>

#include <algorithm>

#include "broker/base/check.h"
#include "scenarios/play.h"

namespace tribunal {
namespace {

constexpr Duration kLookEvery = milliseconds(100);  // as run() does
// Digests are as dear as some hundred events, so the last pass looks at every state of one stride.
constexpr std::uint64_t kStride = 1024;

std::string text_of(ConnectionKey key) {
    return fmt::format("{}-{}", key.client.value, key.server.value);
}

std::string text_of(const Input& input) {
    return std::visit(Overloaded{
                          [](const Start& s) { return fmt::format("start {}", s.incarnation); },
                          [](const Deliver& d) {
                              return fmt::format("{} #{} {}", text_of(d.connection), d.correlation,
                                                 describe(d.message));
                          },
                          [](const ConnectionClosed& c) {
                              return fmt::format("{} closed", text_of(c.connection));
                          },
                          [](const TimerFired& t) {
                              return fmt::format("timer {} key {} random {}",
                                                 static_cast<int>(kind_of(t.timer)),
                                                 key_of(t.timer), t.random);
                          },
                          [](const WriteDone& w) { return fmt::format("write {} done", w.token); },
                          [](const Stop&) { return std::string{"stop"}; },
                      },
                      input);
}

// Notes what happens in one event, in words.
class Witness final : public Observer, public Chooser {
  public:
    explicit Witness(Chooser& inner) : inner_(inner) {}

    std::uint64_t choose(ChoiceKind kind, std::uint32_t stream, std::uint64_t options) override {
        const std::uint64_t taken = inner_.choose(kind, stream, options);
        note(fmt::format("{} chooses {} of {} for {}", name_of(kind), taken, options, stream));
        return taken;
    }
    void on_step(const World&, const Host& host, const Input& input, const Outbox&) override {
        note(fmt::format("{} takes {}", host.name, text_of(input)));
    }
    void on_message_sent(const World&, std::uint32_t, const MessageInFlight& m, NodeId from,
                         NodeId to) override {
        note(fmt::format("{} sends to {} {}", from.value, to.value, describe(m.deliver.message)));
    }
    void on_crash(const World&, const Host& host, FaultKind) override {
        note(host.name + " crashes");
    }
    void on_fault(const World&, const LedgerEntry& entry) override { note("fault " + entry.text); }

    void forget() { text_.clear(); }
    const std::string& text() const { return text_; }

  private:
    void note(const std::string& line) { text_ += (text_.empty() ? "" : "; ") + line; }
    Chooser& inner_;
    std::string text_;
};

// One side under way.
struct Side {
    explicit Side(const RunStart& start)
        : chooser(start.chooser()), witness(*chooser), run(start.world(), start.plan) {}
    std::unique_ptr<Chooser> chooser;
    Witness witness;
    SteppedRun run;

    bool next() { return run.next(*chooser); }
    bool next_with_words() {
        witness.forget();
        return run.next(witness, &witness);
    }
    Digest128 trace() const { return run.world().trace_hash(); }
    Digest128 state() const { return run.world().digest(); }
    std::string words(bool has_event) const {
        if (!has_event) return "the run is over";
        return fmt::format("at {} ns: {} (state {})", run.world().now().value,
                           witness.text().empty() ? "nothing to see" : witness.text(),
                           to_string(state()));
    }
};

// The first event after which the traces differ, or at the end the states; 0 when none does.
std::uint64_t parting_of_traces(const RunStart& left, const RunStart& right) {
    Side a{left};
    Side b{right};
    std::uint64_t event = 0;
    for (;;) {
        ++event;
        const bool more_a = a.next();
        const bool more_b = b.next();
        if (more_a != more_b || a.trace() != b.trace()) return event;
        if (!more_a) return a.state() == b.state() ? 0 : event;
    }
}

// The last multiple of the stride before `limit` after which the states agreed.
std::uint64_t last_agreement(const RunStart& left, const RunStart& right, std::uint64_t limit) {
    Side a{left};
    Side b{right};
    if (a.state() != b.state()) return 0;
    std::uint64_t agreed = 0;
    for (std::uint64_t event = 1; event < limit; ++event) {
        a.next();
        b.next();
        if (event % kStride != 0) continue;
        if (a.state() != b.state()) break;
        agreed = event;
    }
    return agreed;
}

}  // namespace

bool SteppedRun::next(Chooser& chooser, Observer* observer) {
    while (phase_ != Phase::over) {
        if (world_.step(chooser, observer, until_)) return true;
        next_phase(chooser, observer);
    }
    return false;
}

void SteppedRun::next_phase(Chooser& chooser, Observer* observer) {
    switch (phase_) {
        case Phase::faulty:
            world_.heal(chooser, observer);
            bound_ = world_.now() + plan_.heal_bound;
            phase_ = Phase::converging;
            break;
        case Phase::converging:
            if (!unconverged_reason(world_)) {
                until_ = world_.now() + plan_.settle;
                phase_ = Phase::settling;
                return;
            }
            if (world_.now() >= bound_) {
                phase_ = Phase::over;
                return;
            }
            break;
        case Phase::settling:
            phase_ = Phase::over;
            return;
        case Phase::over:
            CHECK(!"a run that is over has no next phase");
            return;
    }
    until_ = std::min(bound_, world_.now() + kLookEvery);
}

RunStart start_of(const Scenario& scenario, std::uint64_t seed) {
    RunStart start;
    start.world = [scenario] { return build_world(scenario); };
    start.chooser = [seed] { return std::make_unique<SeededChooser>(seed); };
    start.plan.faulty = scenario.run_for;
    start.plan.heal_bound = scenario.heal_for;
    return start;
}

std::optional<Divergence> first_divergence(const RunStart& left, const RunStart& right) {
    const std::uint64_t parted = parting_of_traces(left, right);
    if (parted == 0) return std::nullopt;
    const std::uint64_t agreed = last_agreement(left, right, parted);
    Side a{left};
    Side b{right};
    for (std::uint64_t event = 1;; ++event) {
        const bool more_a = a.next_with_words();
        const bool more_b = b.next_with_words();
        const bool is_seen = event >= parted || (event > agreed && a.state() != b.state());
        if (is_seen) return Divergence{event, a.words(more_a), b.words(more_b)};
        CHECK(more_a && more_b);
    }
}

std::string words_of_event(const RunStart& start, std::uint64_t event) {
    Side side{start};
    for (std::uint64_t i = 1; i < event; ++i) {
        if (!side.next()) return side.words(false);
    }
    return side.words(side.next_with_words());
}

}  // namespace tribunal
