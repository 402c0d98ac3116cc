// Messages between their bytes and JSON, by their schemas: field names as in the schema, bytes as
// base64, uuids as text, tagged fields only when they are not the default; as Kafka prints them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "broker/protocol/schema/schema.h"

namespace tribunal::schema {

// What does not fit the schema, and where: "members[2].clientId: the bytes end here".
struct Misfit {
    std::string what;
};

// The message of exactly these bytes. Fields that the version does not have are not in the JSON;
// tagged fields of a later version are kept, as "unknownTaggedFields" of their struct.
// Texts are taken as they are: printing JSON of bytes that are no UTF-8 needs an error handler.
Result<nlohmann::json, Misfit> decode(const Message& message, std::int16_t version,
                                      std::string_view bytes);

// A field that is missing is at its default. One that the version does not have must be at its
// default too (else Kafka's generated classes throw), unless it is not in the schema at all, which
// is always a misfit.
Result<std::string, Misfit> encode(const Message& message, std::int16_t version,
                                   const nlohmann::json& value);

}  // namespace tribunal::schema
