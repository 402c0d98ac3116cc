// Watches what the active controller of a run grants to brokers:
//
//   Q15  partition epochs: an ISR is changed as a compare-and-set (KIP-497). What is granted was
//        asked for in the partition epoch that the partition had, and is one change of it.
//   Q16  broker epochs: a broker has one life at a time, each with a newer epoch, and what an
//        earlier one asks for is refused (KIP-631, KIP-966).
//
// When a new life may register (ClusterControlManager.registerBroker): at once when there was none
// or it had announced its end (controlled shutdown); else when the session of the last one is over,
// which fences it. The same life may register again, and keeps its epoch.
//
// The one class that knows the request when the answer leaves: that is later by a commit.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker/controller/controller.h"
#include "properties/verdict.h"

namespace tribunal {

class ControllerMonitor {
  public:
    // A record was committed; `before` is what those before it make.
    void on_record(Instant now, const ClusterImage& before, const MetadataRecord& record);
    // `c` has taken the input, and these are its effects.
    void on_step(Instant now, const Controller& c, const Input& input, const Outbox& out);
    // Its process ended: nobody it owes an answer gets one.
    void on_crash(NodeId controller);
    // From here on nothing is promised (see MetadataMonitor).
    void on_metadata_lost() { is_lost_ = true; }

    std::vector<Check> finish() const;

  private:
    struct Rule {
        std::uint64_t checked = 0;
        std::uint64_t found = 0;
        std::vector<Violation> violations;
    };
    struct Asked {
        bool is_stale = false;  // by another life than the registered one
        NodeId broker;
        BrokerEpoch broker_epoch;
        std::map<TopicPartition, PartitionEpoch> partitions;  // of an AlterPartition
    };
    struct Key {
        NodeId controller;
        ConnectionKey connection;
        std::int32_t correlation = 0;
        auto operator<=>(const Key&) const = default;
    };
    void violate(Rule& rule, const char* id, Instant at, std::string summary, const char* because,
                 NodeId node);
    void on_asked(const Controller& c, const Deliver& d);
    void on_answer(Instant now, const Controller& c, const Send& send);

    std::map<Key, Asked> asked_;
    bool is_lost_ = false;
    Rule partition_epochs_;
    Rule broker_epochs_;
};

}  // namespace tribunal
