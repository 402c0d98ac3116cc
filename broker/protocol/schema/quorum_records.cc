// KRaft's own: the quorum-state file (KIP-595, KIP-853) and the values of control records
// (KIP-595, KIP-630, KIP-853), whose first field repeats their version.
#include "broker/protocol/schema/schema.h"

namespace tribunal::schema {

const std::string_view kQuorumRecords = R"table(
QuorumStateData versions=0-1 flexible=0+
  clusterId string 0
  leaderId int32 default=-1
  leaderEpoch int32 default=-1
  votedId int32 default=-1
  votedDirectoryId uuid 1+
  appliedOffset int64 0
  currentVoters []struct? 0
    voterId int32

LeaderChangeMessage versions=0-1 flexible=0+
  version int16
  leaderId int32
  voters []struct
    voterId int32
    voterDirectoryId uuid 1+
  grantingVoters []struct
    voterId int32
    voterDirectoryId uuid 1+
SnapshotHeaderRecord versions=0 flexible=0+
  version int16
  lastContainedLogTimestamp int64
SnapshotFooterRecord versions=0 flexible=0+
  version int16
KRaftVersionRecord versions=0 flexible=0+
  version int16
  kRaftVersion int16
VotersRecord versions=0 flexible=0+
  version int16
  voters []struct
    voterId int32
    voterDirectoryId uuid
    endpoints []struct
      name string
      host string
      port uint16
    kRaftVersionFeature struct
      minSupportedVersion int16
      maxSupportedVersion int16
)table";

}  // namespace tribunal::schema
