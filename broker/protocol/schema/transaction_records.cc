// Keys and values in __transaction_state (KIP-98, KIP-890).
#include "broker/protocol/schema/schema.h"

namespace tribunal::schema {

const std::string_view kTransactionRecords = R"table(
TransactionLogKey versions=0 flexible=none
  transactionalId string
TransactionLogValue versions=0-1 flexible=1+
  producerId int64
  previousProducerId int64 1+ tag=0 default=-1
  nextProducerId int64 1+ tag=1 default=-1
  producerEpoch int16
  transactionTimeoutMs int32
  transactionStatus int8
  transactionPartitions []struct?
    topic string
    partitionIds []int32
  transactionLastUpdateTimestampMs int64
  transactionStartTimestampMs int64
  clientTransactionVersion int16 1+ tag=2 default=0
)table";

}  // namespace tribunal::schema
