// Producer ids in blocks (KIP-730): the metadata log says how far they have been given away, so no
// two brokers, and no two lives of one broker, hand out the same id. A block whose answer is lost
// or whose broker dies is never used.
#include "broker/controller/decisions.h"

namespace tribunal {

Decision<AllocateProducerIdsResponse> decide(const ControllerView& c,
                                             const AllocateProducerIdsRequest& request) {
    const BrokerRegistration* known = c.image.brokers.find(request.broker);
    if (known == nullptr || known->epoch != request.broker_epoch) {
        return {{}, {ErrorCode::stale_broker_epoch, kNoProducerId, 0}};
    }
    const ProducerId first = c.image.next_producer_id;
    if (first.value > INT64_MAX - kProducerIdBlockSize) {
        return {{}, {ErrorCode::unknown_server_error, kNoProducerId, 0}};  // all are given away
    }
    Decision<AllocateProducerIdsResponse> decision;
    decision.records.emplace_back(ProducerIdsRecord{
        request.broker, request.broker_epoch, ProducerId{first.value + kProducerIdBlockSize}});
    decision.response = {ErrorCode::none, first, kProducerIdBlockSize};
    return decision;
}

}  // namespace tribunal
