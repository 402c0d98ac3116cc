// One function a property: scans over the evidence, each alone, so that the failure of one hides no
// other. Definitions are in the table of property.cc; who asks for a verdict calls judge().
#pragma once

#include <string>
#include <vector>

#include "properties/evidence.h"
#include "properties/verdict.h"

namespace tribunal {

// durability.cc
Check check_lost_write(const Evidence& evidence);       // D1
Check check_acked_lost(const Evidence& evidence);       // D2
Check check_unseen(const Evidence& evidence);           // D3
Check check_lost_after_read(const Evidence& evidence);  // D4
Check check_healthy_loss(const Evidence& evidence);     // D9
Check check_phantom_read(const Evidence& evidence);     // D10
Check check_corrupted_read(const Evidence& evidence);   // D11
// ordering.cc
Check check_inconsistent_offsets(const Evidence& evidence);   // O1
Check check_nonmonotonic_send(const Evidence& evidence);      // O2
Check check_int_nonmonotonic_send(const Evidence& evidence);  // O3
Check check_append_order(const Evidence& evidence);           // O9
Check check_stale_end_offset(const Evidence& evidence);       // O10
Check check_sequence_gap(const Evidence& evidence);           // O13, sequence_gap.cc
// reading.cc
Check check_int_nonmonotonic_poll(const Evidence& evidence);  // O5
Check check_int_poll_skip(const Evidence& evidence);          // O6
Check check_nonmonotonic_poll(const Evidence& evidence);      // O7
Check check_poll_skip(const Evidence& evidence);              // O8
// duplication.cc
Check check_duplicate(const Evidence& evidence);          // X1
Check check_duplicate_nonzero(const Evidence& evidence);  // X2
Check check_wrong_ack_offset(const Evidence& evidence);   // X3
// liveness.cc
Check check_stuck_consumer(const Evidence& evidence);   // L2
Check check_unanswered_send(const Evidence& evidence);  // L3
Check check_stale_image(const Evidence& evidence);      // L5
Check check_leaderless(const Evidence& evidence);       // L9

// The sentence that every explanation ends with: promise against finding, or why it is excused.
std::string conclusion(const Claim& claim);

}  // namespace tribunal
