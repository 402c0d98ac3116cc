// Page cache and platter. Kafka writes into the page cache and seldom syncs: a killed process loses
// nothing, a power loss keeps any prefix of the unsynced writes of each file, perhaps with the next
// one cut in half. A truncation is durable at once (TruncateWrite says why).
//
// The page cache is what the node's own log holds (it writes as it goes), so the disk keeps only
// how to undo what is not on the platter yet: where the log ended before each append. Leader epochs
// are synced with each change (LeaderEpochCheckpointFile); what loading a log does to those that
// lie above its end happens here already.
//
// Deviation: a partition's log is one file to a power loss, also when it has several segments. In
// Kafka the last writes of a segment that was rolled may be gone, until its flush is done, while
// those of the next one are there.
#include <algorithm>

#include "broker/base/check.h"
#include "sim/world.h"

namespace tribunal {
namespace {

// Everything up to the last write that changed something below `upto`.
void make_durable(DiskFile& file, Offset upto) {
    std::size_t durable = file.writes.size();
    while (durable > 0 && file.writes[durable - 1].log_end_before >= upto) --durable;
    file.writes.erase(file.writes.begin(),
                      file.writes.begin() + static_cast<std::ptrdiff_t>(durable));
}

}  // namespace

void World::age(DiskFile& file) {
    // Looked at now and then only: the page cache of a busy file turns over by the thousands.
    if (file.writes.size() < 256 || (file.written & 255) != 0) return;
    const auto old =
        std::partition_point(file.writes.begin(), file.writes.end(),
                             [&](const auto& w) { return w.at + options.writeback_age < now_; });
    file.writes.erase(file.writes.begin(), old);
}

bool World::write(Host& host, std::size_t index, Write& write, Instant& at, Chooser& chooser) {
    Disk& disk = host.disk;
    if (disk.full > 0 || disk.broken > 0) return false;
    const auto stream = static_cast<std::uint32_t>(index);
    // What is appended to one file at one instant goes down in one call: the batches of a fetch.
    const auto* append = std::get_if<AppendWrite>(&write.op);
    const DiskFile* appended = append == nullptr ? nullptr : disk.files.find(append->partition);
    const bool goes_along =
        appended != nullptr && !appended->writes.empty() && appended->writes.back().at == now_;
    if (!goes_along) {
        at = at + latency(options.disk_write, ChoiceKind::disk_write, stream, chooser) +
             disk.extra_latency;
    }
    TopicPartition file_id = kMetadataFile;
    UnsyncedWrite unsynced;
    unsynced.at = now_;
    bool appends = false;
    const auto undoes = [&](MetadataUndo undo) {
        unsynced.metadata = Shared<MetadataUndo>{std::move(undo)};
        appends = true;
    };
    std::visit(Overloaded{
                   [&](const AppendWrite& w) {
                       file_id = w.partition;
                       unsynced.log_end_before = w.log_end_before;
                       appends = true;
                   },
                   [&](const TruncateWrite& w) { file_id = w.partition; },
                   [&](const FlushWrite& w) { file_id = w.partition; },
                   [&](const DeleteWrite& w) {
                       file_id = w.partition;
                       if (w.whole) disk.files.erase(w.partition);
                   },
                   [&](const ReplaceWrite& w) {
                       // The new files are flushed before the swap: nothing that reached below its
                       // end can be undone any more.
                       if (DiskFile* file = disk.files.find(w.partition))
                           make_durable(*file, w.upto);
                   },
                   [&](MetadataWrite& w) { undoes(MetadataUndo{std::move(w)}); },
                   [&](MetadataSnapshotWrite& w) { undoes(MetadataUndo{std::move(w)}); },
                   [&](QuorumStateWrite& w) {
                       file_id = kQuorumStateFile;
                       undoes(MetadataUndo{w});
                   },
               },
               write.op);
    if (appends) {
        DiskFile& file = disk.files[file_id];
        file.writes.push_back(std::move(unsynced));
        ++file.written;
        age(file);
    }
    if (write.sync) {
        const std::uint64_t written = disk.files[file_id].written;
        const Instant starts = std::max(at, disk.busy_until);
        disk.busy_until = starts +
                          latency(options.disk_sync, ChoiceKind::disk_sync, stream, chooser) +
                          disk.extra_latency;
        const std::uint32_t slot = syncs_.put({host.starts, file_id, written, write.token});
        queue_.push(disk.busy_until, stream, static_cast<std::uint32_t>(EventKind::write_done),
                    slot);
    }
    return true;
}

std::string World::lose_unsynced(Host& host, std::size_t index, const FaultSpec& spec,
                                 Chooser& chooser) {
    std::uint64_t unsynced = 0;
    std::uint64_t kept = 0;
    std::uint64_t torn = 0;
    const auto stream = static_cast<std::uint32_t>(index);
    for (auto& [file_id, file] : host.disk.files) {
        const auto old = std::partition_point(
            file.writes.begin(), file.writes.end(),
            [&](const auto& w) { return w.at + options.writeback_age < now_; });
        file.writes.erase(file.writes.begin(), old);
        const std::uint64_t n = file.writes.size();
        if (n == 0) continue;
        const std::uint64_t survive =
            spec.keep_percent >= 0 ? n * static_cast<std::uint64_t>(spec.keep_percent) / 100
                                   : chooser.choose(ChoiceKind::surviving_writes, stream, n + 1);
        const bool tear = survive < n &&
                          (spec.torn_tail || chooser.choose(ChoiceKind::torn_tail, stream, 4) == 0);
        unsynced += n;
        kept += survive;
        if (file_id == kMetadataFile || file_id == kQuorumStateFile) {
            Controller* controller = controller_of(host.node);
            CHECK(controller != nullptr);
            *controller = restart(*controller);
            for (std::uint64_t i = n; i-- > survive;) {
                std::visit([&](const auto& write) { tribunal::undo(controller->raft, write); },
                           **file.writes[i].metadata);
            }
            file.writes.clear();
            continue;
        }
        Partition* p = edit_partition(*broker_of(host.node), file_id);
        if (p == nullptr) {
            file.writes.clear();
            continue;
        }
        // One cut for all that is lost. An append above a later truncation has nothing to undo;
        // what was deleted since stays deleted.
        Offset end = p->log.log_end_offset;
        for (std::uint64_t i = survive; i < n; ++i) {
            end = std::min(end, file.writes[i].log_end_before);
        }
        end = std::max(end, p->log.segments.front()->base_offset);
        std::optional<RecordBatch> half;
        if (tear && file.writes[survive].log_end_before == end) {
            if (const RecordBatch* batch = p->log.find(end)) half = *batch;
        }
        if (survive < n) p->log.truncate_to(end);
        if (half && half->base_offset >= p->log.log_end_offset && half->records.size() > 1) {
            half->records = Payload{half->records.view().substr(0, half->records.size() / 2)};
            p->log.append(std::move(*half));
            ++torn;
        }
        file.writes.clear();
    }
    return ", " + std::to_string(kept) + " of " + std::to_string(unsynced) +
           " unsynced writes kept" + (torn > 0 ? ", " + std::to_string(torn) + " torn" : "");
}

}  // namespace tribunal
