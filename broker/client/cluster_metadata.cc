#include "broker/client/cluster_metadata.h"

#include "broker/base/check.h"

namespace tribunal {

const KnownTopic* ClusterMetadata::topic(const std::string& name) const {
    for (const KnownTopic& t : known) {
        if (t.name == name) return &t;
    }
    return nullptr;
}

const KnownTopic* ClusterMetadata::topic(TopicId id) const {
    for (const KnownTopic& t : known) {
        if (t.id == id) return &t;
    }
    return nullptr;
}

const KnownPartition* ClusterMetadata::partition(TopicPartition tp) const {
    const KnownTopic* t = topic(tp.topic);
    if (t == nullptr || static_cast<std::size_t>(tp.partition) >= t->partitions.size())
        return nullptr;
    return &t->partitions[static_cast<std::size_t>(tp.partition)];
}

namespace {

ConnectionKey connection_of(const ClusterMetadata& m, NodeId self) {
    return {self, m.asked, Lane::metadata};
}

}  // namespace

void request_metadata(ClusterMetadata& m, NodeId self, std::int32_t& correlation,
                      Duration request_timeout, Outbox& out) {
    if (m.in_flight) return;
    CHECK(!m.bootstrap.empty());
    m.in_flight = true;
    m.wanted = false;
    m.asked = m.bootstrap[static_cast<std::size_t>(m.next_broker++) % m.bootstrap.size()];
    out.send(connection_of(m, self), correlation++, MetadataRequest{m.topics});
    out.arm(timer(TimerKind::request_timeout, connection_of(m, self).packed()), request_timeout);
}

void on_metadata_response(ClusterMetadata& m, NodeId self, const MetadataResponse& response,
                          Outbox& out) {
    if (!m.in_flight) return;
    m.in_flight = false;
    m.last_refresh = out.moment;
    out.disarm(timer(TimerKind::request_timeout, connection_of(m, self).packed()));
    m.alive = {};
    for (const NodeId node : response.brokers) m.alive.insert(node);
    for (const MetadataTopic& topic : response.topics) {
        std::size_t i = 0;
        while (i < m.known.size() && m.known[i].name != topic.name) ++i;
        if (topic.error != ErrorCode::none) {
            if (i < m.known.size()) m.known.erase(m.known.begin() + static_cast<std::ptrdiff_t>(i));
            continue;
        }
        if (i == m.known.size()) m.known.push_back({topic.name, topic.topic, {}});
        KnownTopic& known = m.known[i];
        if (known.id != topic.topic) known = {topic.name, topic.topic, {}};  // created again
        known.partitions.resize(topic.partitions.size());
        for (std::size_t p = 0; p < topic.partitions.size(); ++p) {
            if (topic.partitions[p].leader_epoch < known.partitions[p].leader_epoch) continue;
            known.partitions[p] = {topic.partitions[p].leader, topic.partitions[p].leader_epoch};
        }
    }
}

void on_metadata_failed(ClusterMetadata& m, NodeId self, Duration backoff, Outbox& out) {
    if (!m.in_flight) return;
    m.in_flight = false;
    m.last_refresh = out.moment;
    out.disarm(timer(TimerKind::request_timeout, connection_of(m, self).packed()));
    want_metadata(m, backoff, out);
}

void see_leader_epoch(ClusterMetadata& m, TopicPartition tp, LeaderEpoch epoch, Duration backoff,
                      Outbox& out) {
    for (KnownTopic& topic : m.known) {
        if (topic.id != tp.topic) continue;
        const auto i = static_cast<std::size_t>(tp.partition);
        if (i >= topic.partitions.size() || epoch <= topic.partitions[i].leader_epoch) return;
        topic.partitions[i] = {kNoNode, epoch};
        want_metadata(m, backoff, out);
    }
}

void want_metadata(ClusterMetadata& m, Duration backoff, Outbox& out) {
    if (m.wanted || m.in_flight) return;
    m.wanted = true;
    out.arm_since(timer(TimerKind::metadata_retry), backoff, m.last_refresh);
}

}  // namespace tribunal
