// Watches a run: writes the clients' history down and shows every partition that moved to the
// replication monitor, every controller that did to the quorum's. An observer; the world never
// knows.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "properties/controller_monitor.h"
#include "properties/facts.h"
#include "properties/history.h"
#include "properties/metadata_monitor.h"
#include "properties/quorum_monitor.h"
#include "properties/replication_monitor.h"
#include "properties/storage_monitor.h"
#include "sim/run.h"

namespace tribunal {

// A partition of the world as the monitors look at it. `image` is the committed one.
PartitionView view_of(const World& world, const ClusterImage& image, TopicPartition tp);

class Recorder final : public Observer {
  public:
    explicit Recorder(const World& world);

    void on_step(const World& world, const Host& host, const Input& input,
                 const Outbox& out) override;
    void on_crash(const World& world, const Host& host, FaultKind how) override;
    void on_fault(const World& world, const LedgerEntry& entry) override;

    const History& history() const { return history_; }
    const ReplicationMonitor& monitor() const { return monitor_; }
    const MetadataMonitor& metadata_monitor() const { return metadata_monitor_; }
    const QuorumMonitor& quorum() const { return quorum_; }
    const ControllerMonitor& controllers() const { return controller_monitor_; }
    const StorageMonitor& storage() const { return storage_; }
    // Poll errors of applications: records that do not deserialize, positions out of the log.
    const std::vector<std::string>& application_errors() const { return application_errors_; }
    // The metadata log as committed so far.
    const ClusterImage& image() const { return image_; }

    // Call once after the run.
    void finish(const World& world, const RunOutcome& outcome);
    std::vector<FinalLog> final_logs(const World& world) const;
    RunFacts facts(const World& world, const RunOutcome& outcome) const;

    // Switches the replication monitors off, for benchmarks of the world alone.
    bool monitors = true;

  private:
    // Partitions that were touched are in touched_ then; true when the quorum was, too.
    bool take_notes(const World& world, const Host& host, const Outbox& out);
    void take_client_note(Instant now, const Host& host, std::uint32_t client, const Note& note);
    void follow_metadata(const World& world, const Controller& controller);
    void announce_alterations(const Controller& controller, Offset from);
    // What the wiped controller had may be on too few others.
    void on_wiped(const World& world, const Controller& wiped);
    void on_metadata_lost(Instant now);
    void observe_quorum(const World& world, NodeId changed);
    // After a step of `whose`.
    void observe(const World& world, TopicPartition tp, NodeId whose);
    // The short way; false when it must be observe().
    bool observe_progress(const World& world, TopicPartition tp, const Host& host);
    // Grows with every record that image_ has replayed. (Never 0, which says nothing.)
    std::uint64_t metadata_version() const { return metadata_records_ + 1; }
    // What the step of a broker asked for, once its partitions were observed.
    void follow_effects(const World& world, const Broker& broker, const Outbox& out);
    void follow_read(const World& world, const Broker& broker, const Send& answer);
    // recorder_storage.cc: what a step says of flushes, deletions and positions out of range.
    // Before: what the input did to the disk.
    void before_storage(const World& world, const Host& host, const Input& input,
                        const Outbox& out);
    void follow_flushes(const Broker& broker, const Outbox& out);
    void follow_answer(const World& world, const Broker& broker, const Send& answer);
    void on_polled(Instant now, std::uint32_t client, const PollReturned& poll);
    void on_operation(Instant now, std::uint32_t client, const ClientOperation& operation);

    History history_;
    ReplicationMonitor monitor_;
    MetadataMonitor metadata_monitor_;
    ControllerMonitor controller_monitor_;
    QuorumMonitor quorum_;
    std::vector<std::size_t> controllers_;  // their hosts
    StorageMonitor storage_;
    // Ends of the logs that last answered OFFSET_OUT_OF_RANGE, by connection.
    std::map<std::pair<std::uint64_t, TopicPartition>, std::pair<Offset, Offset>> told_bounds_;
    ClusterImage image_;
    std::uint64_t metadata_records_ = 0;
    std::vector<std::int32_t> client_by_host_;
    std::vector<std::uint16_t> process_;                  // by client
    std::vector<std::vector<std::uint32_t>> operations_;  // [client][operation id] -> index
    std::vector<TopicPartition> touched_;                 // of this step
    std::vector<std::string> application_errors_;
    std::uint64_t elections_ = 0;
    Instant metadata_lost_at_ = kNever;
};

}  // namespace tribunal
