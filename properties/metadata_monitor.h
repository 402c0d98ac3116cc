// Watches the metadata log of a run through every controller's and broker's eyes:
//
//   Q11  state machine safety: one committed sequence of records, and one image an offset
//   Q14  a zombie controller writes nothing: only the leader of the newest epoch commits
//   D8   lost metadata: a topic that was created, acknowledged and never deleted is there
//
// It keeps the one committed sequence, as the first controller that commits a record shows it; the
// recorder replays it into the image that all others are compared with.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "broker/controller/controller.h"
#include "properties/verdict.h"

namespace tribunal {

class MetadataMonitor {
  public:
    // Whether a finding counts; from on_metadata_lost() on nothing is promised.
    void on_metadata_lost(Instant now);
    bool is_lost() const { return lost_at_ != kNever; }

    // A controller may know of more that is committed. Returns what is new to everybody, in order.
    std::span<const RaftRecord> on_committed(Instant now, const Controller& c);
    // A record of what on_committed() returned does not fit those before it.
    void on_misfit(Instant now, const Controller& c, const char* why);
    // Whether its log has all that was committed, on the disk or in the page cache.
    bool is_whole(const Controller& c) const;
    Offset end() const { return Offset{static_cast<std::int64_t>(log_.size())}; }

    // The image of a node, of the log below `offset`; `reference` is of the log below end().
    // Looked at now and then only, as often as the size of an image allows, unless `always`.
    void on_image(Instant now, NodeId node, const ClusterImage& image, Offset offset,
                  const ClusterImage& reference, bool always = false);
    // A controller that is not active shows more than is committed.
    void on_controller_image(Instant now, const Controller& c, const ClusterImage& reference,
                             bool always = false);

    void on_created(Instant now, TopicId topic, std::string name);  // acknowledged
    void on_deleted(TopicId topic);                                 // committed

    // `reference` is the image at the end of the run.
    std::vector<Check> finish(Instant end, const ClusterImage& reference) const;

  private:
    struct Rule {
        std::uint64_t checked = 0;
        std::uint64_t found = 0;
        std::vector<Violation> violations;
    };
    struct Seen {
        Offset committed{0};       // of its log, compared with the sequence
        Offset image{0};           // when its image was last compared
        std::int64_t changes = 0;  // of the sequence since
    };
    void violate(Rule& rule, const char* id, Instant at, std::string summary, std::string because,
                 std::vector<NodeId> nodes);
    void compare(Instant now, const Controller& c, Offset from, Offset until);
    bool agrees(const Controller& c, Offset from) const;
    void check_committer(Instant now, const Controller& c);

    std::vector<RaftRecord> log_;
    bool has_forked_ = false;  // two sequences: nobody's is followed any further
    std::map<NodeId, Seen> seen_;
    std::map<TopicId, std::pair<Instant, std::string>> created_;
    LeaderEpoch newest_epoch_{0};  // whose leader has committed
    Instant lost_at_ = kNever;
    Rule one_sequence_;
    Rule newest_commits_;
};

}  // namespace tribunal
