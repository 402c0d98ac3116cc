// valijson over the schema's text.
#include "scenarios/schema_check.h"

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wextra"
#endif
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#include "scenarios/scenario.h"

namespace tribunal {
namespace {

// valijson's context is "<root>", "[clients]", "[0]", ...
std::string pointer_of(const std::vector<std::string>& context) {
    std::string pointer;
    for (std::size_t i = 1; i < context.size(); ++i) {
        std::string_view step = context[i];
        if (step.starts_with('[') && step.ends_with(']')) step = step.substr(1, step.size() - 2);
        pointer += "/" + std::string(step);
    }
    return pointer;
}

}  // namespace

std::string schema_error(const Json& document) {
    const auto schema_json = nlohmann::json::parse(scenario_schema());
    valijson::Schema schema;
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_json), schema);
    const auto plain = nlohmann::json::parse(document.dump());
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(plain), &results)) {
        return {};
    }
    std::string text = "does not match the schema";
    std::size_t depth = 0;
    for (const auto& error : results) {
        if (error.context.size() < depth) continue;
        depth = error.context.size() + 1;  // the first of the deepest
        const std::string pointer = pointer_of(error.context);
        text = (pointer.empty() ? "" : pointer + ": ") +
               "does not match the schema: " + error.description;
    }
    return text;
}

}  // namespace tribunal
