// Golden vectors for tests: what Apache Kafka's own classes answered, one JSON file a subject.
//
// They are read from the folder that the environment variable GOLDEN_DIR names, or from
// properties/golden/ of the source tree when it is unset or empty. Only tests may use this: nothing
// of a simulation may depend on the environment.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace tribunal {

std::string golden_folder();

// The whole of NAME.json, or of NAME.json.gz when there is no such file. Throws a
// std::runtime_error that names the file and, when it is missing, both places looked at.
nlohmann::json load_golden(std::string_view name);

}  // namespace tribunal
