#include "model/specs/specs.h"

#include <algorithm>

namespace tribunal {

std::span<const ModelEntry> all_models() {
    static const std::vector<ModelEntry> models{
        kafka_truncate_to_high_watermark_model(),
        kip101_model(),
        kip279_model(),
        kip320_first_try_model(),
        kip320_model(),
        async_isr_model(),
        finite_replicated_log_model(),
        id_sequence_model(),
        kraft_replication_model(),
        kip966_model(),
        consumer_group_protocol_model(),
        die_hard_model(),
        t_commit_model(),
        two_phase_model(),
        ewd840_model(),
        dining_philosophers_model(),
        chameneos_model(),
        chang_roberts_model(),
    };
    return models;
}

const ModelEntry* find_model(std::string_view name) {
    const auto models = all_models();
    const auto found = std::find_if(models.begin(), models.end(),
                                    [&](const ModelEntry& m) { return m.name == name; });
    return found == models.end() ? nullptr : &*found;
}

}  // namespace tribunal
