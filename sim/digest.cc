// The digest of a whole world, and of the messages that its trace remembers. Apart from the rest
// because folding everything is a lot to compile.
#include "sim/world.h"

namespace tribunal {

template class Shared<Host>;

void fold(Digest& d, const Event& event) {
    fold(d, event.at);
    d.word((static_cast<std::uint64_t>(event.node) << 32) | event.kind);
    d.word(event.payload);
}

void fold(Digest& d, const MessageInFlight& m) {
    fold(d, m.deliver.connection);
    d.word((static_cast<std::uint64_t>(static_cast<std::uint32_t>(m.deliver.correlation)) << 1) |
           (m.deliver.is_response ? 1 : 0));
    fold(d, m.deliver.message);
}

Digest128 World::digest() const {
    Digest d;
    fold(d, now_);
    fold(d, hosts);
    fold(d, links_);
    fold(d, connections_);
    queue_.for_each([&](const Event& event) {
        fold(d, event.at);
        d.word((static_cast<std::uint64_t>(event.node) << 32) | event.kind);
        const auto slot = static_cast<std::uint32_t>(event.payload);
        switch (static_cast<EventKind>(event.kind)) {
            case EventKind::deliver:
                d.word(in_flight_.slots[slot]->place);
                fold(d, *in_flight_.slots[slot]);
                break;
            case EventKind::write_done:
                fold(d, syncs_.slots[slot]);
                break;
            case EventKind::closed:
                fold(d, notices_.slots[slot]);
                break;
            default:
                d.word(event.payload);
        }
    });
    for (const auto& [stream, held] : held_) {
        for (const std::uint32_t slot : held) {
            d.word(in_flight_.slots[slot]->place);
            fold(d, *in_flight_.slots[slot]);
        }
    }
    fold(d, active_faults_);
    return d.value();
}

}  // namespace tribunal
