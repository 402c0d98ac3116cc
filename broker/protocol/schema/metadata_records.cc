// Records in __cluster_metadata (KIP-631 and what came after). The key says which record it is.
#include "broker/protocol/schema/schema.h"

namespace tribunal::schema {

const std::string_view kMetadataRecords = R"table(
RegisterBrokerRecord key=0 versions=0-3 flexible=0+
  brokerId int32
  isMigratingZkBroker bool 2+
  incarnationId uuid
  brokerEpoch int64
  endPoints []struct
    name string
    host string
    port uint16
    securityProtocol int16
  features []struct
    name string
    minSupportedVersion int16
    maxSupportedVersion int16
  rack string?
  fenced bool default=true
  inControlledShutdown bool 1+
  logDirs []uuid 3+ tag=0
UnregisterBrokerRecord key=1 versions=0 flexible=0+
  brokerId int32
  brokerEpoch int64
TopicRecord key=2 versions=0 flexible=0+
  name string
  topicId uuid
PartitionRecord key=3 versions=0-2 flexible=0+
  partitionId int32 default=-1
  topicId uuid
  replicas []int32
  isr []int32
  removingReplicas []int32
  addingReplicas []int32
  leader int32 default=-1
  leaderRecoveryState int8 tag=0
  leaderEpoch int32 default=-1
  partitionEpoch int32 default=-1
  directories []uuid 1+
  eligibleLeaderReplicas []int32? 2+ tag=1
  lastKnownElr []int32? 2+ tag=2
ConfigRecord key=4 versions=0 flexible=0+
  resourceType int8
  resourceName string
  name string
  value string?
PartitionChangeRecord key=5 versions=0-2 flexible=0+
  partitionId int32 default=-1
  topicId uuid
  isr []int32? tag=0
  leader int32 tag=1 default=-2
  replicas []int32? tag=2
  removingReplicas []int32? tag=3
  addingReplicas []int32? tag=4
  leaderRecoveryState int8 tag=5 default=-1
  directories []uuid? 1+ tag=8
  eligibleLeaderReplicas []int32? 2+ tag=6
  lastKnownElr []int32? 2+ tag=7
FenceBrokerRecord key=7 versions=0 flexible=0+
  id int32
  epoch int64
UnfenceBrokerRecord key=8 versions=0 flexible=0+
  id int32
  epoch int64
RemoveTopicRecord key=9 versions=0 flexible=0+
  topicId uuid
DelegationTokenRecord key=10 versions=0 flexible=0+
  owner string
  requester string
  renewers []string
  issueTimestamp int64
  maxTimestamp int64
  expirationTimestamp int64
  tokenId string
UserScramCredentialRecord key=11 versions=0 flexible=0+
  name string
  mechanism int8
  salt bytes
  storedKey bytes
  serverKey bytes
  iterations int32
FeatureLevelRecord key=12 versions=0 flexible=0+
  name string
  featureLevel int16
ClientQuotaRecord key=14 versions=0 flexible=0+
  entity []struct
    entityType string
    entityName string?
  key string
  value float64
  remove bool
ProducerIdsRecord key=15 versions=0 flexible=0+
  brokerId int32
  brokerEpoch int64 default=-1
  nextProducerId int64
BrokerRegistrationChangeRecord key=17 versions=0-2 flexible=0+
  brokerId int32
  brokerEpoch int64
  fenced int8 tag=0
  inControlledShutdown int8 1+ tag=1
  logDirs []uuid 2+ tag=2
AccessControlEntryRecord key=18 versions=0 flexible=0+
  id uuid
  resourceType int8
  resourceName string
  patternType int8
  principal string
  host string
  operation int8
  permissionType int8
RemoveAccessControlEntryRecord key=19 versions=0 flexible=0+
  id uuid
NoOpRecord key=20 versions=0 flexible=0+
ZkMigrationStateRecord key=21 versions=0 flexible=0+
  zkMigrationState int8
RemoveUserScramCredentialRecord key=22 versions=0 flexible=0+
  name string
  mechanism int8
BeginTransactionRecord key=23 versions=0 flexible=0+
  name string? tag=0
EndTransactionRecord key=24 versions=0 flexible=0+
AbortTransactionRecord key=25 versions=0 flexible=0+
  reason string? tag=0
RemoveDelegationTokenRecord key=26 versions=0 flexible=0+
  tokenId string
RegisterControllerRecord key=27 versions=0 flexible=0+
  controllerId int32
  incarnationId uuid
  zkMigrationReady bool
  endPoints []struct
    name string
    host string
    port uint16
    securityProtocol int16
  features []struct
    name string
    minSupportedVersion int16
    maxSupportedVersion int16
)table";

}  // namespace tribunal::schema
