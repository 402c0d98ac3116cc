#include "broker/protocol/messages.h"

namespace tribunal {

// Here and nowhere else: what it costs to compile is paid once.
template class OneOf<MessageTypes>;

void fold(Digest& d, const Message& message) {
    fold(d, message.index());
    message.visit([&](const auto& value) { fold(d, value); });
}

}  // namespace tribunal
