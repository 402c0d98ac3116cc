// Keys and values in __consumer_offsets: committed offsets, groups of the classic protocol, groups
// of the consumer protocol (KIP-848). The version of a key says which record it is.
#include "broker/protocol/schema/schema.h"

namespace tribunal::schema {

const std::string_view kGroupRecords = R"table(
OffsetCommitKey versions=0-1 flexible=none
  group string
  topic string
  partition int32
OffsetCommitValue versions=0-4 flexible=4+
  offset int64
  leaderEpoch int32 3+ default=-1
  metadata string
  commitTimestamp int64
  expireTimestamp int64 1 default=-1

GroupMetadataKey versions=2 flexible=none
  group string
GroupMetadataValue versions=0-4 flexible=4+
  protocolType string
  generation int32
  protocol string?
  leader string?
  currentStateTimestamp int64 2+ default=-1
  members []struct
    memberId string
    groupInstanceId string? 3+
    clientId string
    clientHost string
    rebalanceTimeout int32 1+ default=-1
    sessionTimeout int32
    subscription bytes
    assignment bytes

ConsumerGroupMetadataKey versions=3 flexible=none
  groupId string
ConsumerGroupMetadataValue versions=0 flexible=0+
  epoch int32

ConsumerGroupPartitionMetadataKey versions=4 flexible=none
  groupId string
ConsumerGroupPartitionMetadataValue versions=0 flexible=0+
  topics []struct
    topicId uuid
    topicName string
    numPartitions int32
    partitionMetadata []struct
      partition int32
      racks []string

ConsumerGroupMemberMetadataKey versions=5 flexible=none
  groupId string
  memberId string
ConsumerGroupMemberMetadataValue versions=0 flexible=0+
  instanceId string?
  rackId string?
  clientId string
  clientHost string
  subscribedTopicNames []string
  subscribedTopicRegex string?
  rebalanceTimeoutMs int32 default=-1
  serverAssignor string?
  classicMemberMetadata struct? tag=0
    sessionTimeoutMs int32
    supportedProtocols []struct
      name string
      metadata bytes

ConsumerGroupTargetAssignmentMetadataKey versions=6 flexible=none
  groupId string
ConsumerGroupTargetAssignmentMetadataValue versions=0 flexible=0+
  assignmentEpoch int32

ConsumerGroupTargetAssignmentMemberKey versions=7 flexible=none
  groupId string
  memberId string
ConsumerGroupTargetAssignmentMemberValue versions=0 flexible=0+
  topicPartitions []struct
    topicId uuid
    partitions []int32

ConsumerGroupCurrentMemberAssignmentKey versions=8 flexible=none
  groupId string
  memberId string
ConsumerGroupCurrentMemberAssignmentValue versions=0 flexible=0+
  memberEpoch int32
  previousMemberEpoch int32
  state int8
  assignedPartitions []struct
    topicId uuid
    partitions []int32
  partitionsPendingRevocation []struct
    topicId uuid
    partitions []int32
)table";

// Share groups (KIP-932).
const std::string_view kShareGroupRecords = R"table(
ShareGroupPartitionMetadataKey versions=9 flexible=none
  groupId string
ShareGroupPartitionMetadataValue versions=0 flexible=0+
  topics []struct
    topicId uuid
    topicName string
    numPartitions int32
    partitionMetadata []struct
      partition int32
      racks []string

ShareGroupMemberMetadataKey versions=10 flexible=none
  groupId string
  memberId string
ShareGroupMemberMetadataValue versions=0 flexible=0+
  rackId string?
  clientId string
  clientHost string
  subscribedTopicNames []string

ShareGroupMetadataKey versions=11 flexible=none
  groupId string
ShareGroupMetadataValue versions=0 flexible=0+
  epoch int32

ShareGroupTargetAssignmentMetadataKey versions=12 flexible=none
  groupId string
ShareGroupTargetAssignmentMetadataValue versions=0 flexible=0+
  assignmentEpoch int32

ShareGroupTargetAssignmentMemberKey versions=13 flexible=none
  groupId string
  memberId string
ShareGroupTargetAssignmentMemberValue versions=0 flexible=0+
  topicPartitions []struct
    topicId uuid
    partitions []int32

ShareGroupCurrentMemberAssignmentKey versions=14 flexible=none
  groupId string
  memberId string
ShareGroupCurrentMemberAssignmentValue versions=0 flexible=0+
  memberEpoch int32
  previousMemberEpoch int32
  state int8
  assignedPartitions []struct
    topicId uuid
    partitions []int32

ShareGroupStatePartitionMetadataKey versions=15 flexible=none
  groupId string
ShareGroupStatePartitionMetadataValue versions=0 flexible=0+
  initializedTopics []struct
    topicId uuid
    topicName string
    partitions []int32
  deletingTopics []struct
    topicId uuid
    topicName string
)table";

}  // namespace tribunal::schema
