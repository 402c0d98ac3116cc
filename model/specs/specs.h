// The native transition systems: one function a published specification, each in its own file.
#pragma once

#include "model/registry.h"

namespace tribunal {

// hachikuji/kafka-specification (SPECS: the data replication protocol and its history)
ModelEntry id_sequence_model();
ModelEntry finite_replicated_log_model();
ModelEntry kafka_truncate_to_high_watermark_model();
ModelEntry kip101_model();
ModelEntry kip279_model();
ModelEntry kip320_first_try_model();
ModelEntry kip320_model();
ModelEntry async_isr_model();

// Vanlightly/kafka-tlaplus
ModelEntry kraft_replication_model();        // kafka_data_replication/kraft/v3.5
ModelEntry kip966_model();                   // kafka_data_replication/kraft/kip-966
ModelEntry consumer_group_protocol_model();  // groupprotocol, KIP-848

// tlaplus/Examples
ModelEntry die_hard_model();
ModelEntry t_commit_model();
ModelEntry two_phase_model();
ModelEntry ewd840_model();
ModelEntry dining_philosophers_model();
ModelEntry chameneos_model();
ModelEntry chang_roberts_model();

// All of them, in the order of `tribunal list models`.
std::span<const ModelEntry> all_models();
const ModelEntry* find_model(std::string_view name);  // exact; null when there is none

}  // namespace tribunal
