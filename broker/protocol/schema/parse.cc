// The text tables, read into schemas.
#include <algorithm>
#include <string>

#include "broker/base/check.h"
#include "broker/protocol/schema/schema.h"

namespace tribunal::schema {
namespace {

[[noreturn]] void refuse(std::string_view line, const std::string& why) {
    throw CheckFailure("schema table: " + why + ": " + std::string(line));
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (true) {
        const std::size_t begin = line.find_first_not_of(' ');
        if (begin == std::string_view::npos) return words;
        line.remove_prefix(begin);
        const std::size_t end = std::min(line.find(' '), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

std::int16_t number_of(std::string_view line, std::string_view digits) {
    if (digits.empty() || digits.size() > 3) refuse(line, "no number");
    int value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') refuse(line, "no number");
        value = 10 * value + (c - '0');
    }
    return static_cast<std::int16_t>(value);
}

// "3", "0-2", "1+", "none".
Versions versions_of(std::string_view line, std::string_view text) {
    if (text == "none") return {1, 0};
    if (text.ends_with('+')) return {number_of(line, text.substr(0, text.size() - 1)), INT16_MAX};
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return {number_of(line, text), number_of(line, text)};
    return {number_of(line, text.substr(0, dash)), number_of(line, text.substr(dash + 1))};
}

void set_type(std::string_view line, std::string_view text, Field& field) {
    if (text.starts_with("[]")) {
        field.is_array = true;
        text.remove_prefix(2);
    }
    if (text.ends_with('?')) {
        field.is_nullable = true;
        text.remove_suffix(1);
    }
    constexpr std::pair<std::string_view, Type> types[] = {
        {"bool", Type::boolean},    {"int8", Type::int8},        {"int16", Type::int16},
        {"uint16", Type::uint16},   {"int32", Type::int32},      {"int64", Type::int64},
        {"float64", Type::float64}, {"string", Type::string},    {"bytes", Type::bytes},
        {"uuid", Type::uuid},       {"struct", Type::structure},
    };
    for (const auto& [name, type] : types) {
        if (name != text) continue;
        field.type = type;
        return;
    }
    refuse(line, "unknown type");
}

// The value after "name=", or nothing when the word is another one.
std::optional<std::string_view> setting(std::string_view word, std::string_view name) {
    if (!word.starts_with(name) || word.substr(name.size()).substr(0, 1) != "=") return {};
    return word.substr(name.size() + 1);
}

Field field_of(std::string_view line) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() < 2) refuse(line, "a field needs a name and a type");
    Field field;
    field.name = words[0];
    set_type(line, words[1], field);
    for (std::size_t i = 2; i < words.size(); ++i) {
        if (const auto tag = setting(words[i], "tag")) {
            field.tag = static_cast<std::uint32_t>(number_of(line, *tag));
        } else if (const auto value = setting(words[i], "default")) {
            field.default_value = *value;
        } else {
            field.versions = versions_of(line, words[i]);
        }
    }
    return field;
}

Message message_of(std::string_view line) {
    const std::vector<std::string_view> words = words_of(line);
    Message message;
    message.name = words[0];
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (const auto key = setting(words[i], "key")) {
            message.key = number_of(line, *key);
        } else if (const auto versions = setting(words[i], "versions")) {
            message.versions = versions_of(line, *versions);
        } else if (const auto flexible = setting(words[i], "flexible")) {
            message.flexible = versions_of(line, *flexible);
        } else {
            refuse(line, "unknown setting");
        }
    }
    return message;
}

constexpr std::size_t kIndent = 2;

// The fields of the lines from `at` on that stand at `depth`, and below.
std::vector<Field> fields_at(const std::vector<std::string_view>& lines, std::size_t& at,
                             std::size_t depth) {
    std::vector<Field> fields;
    while (at < lines.size()) {
        const std::string_view line = lines[at];
        const std::size_t indent = line.find_first_not_of(' ');
        if (indent < depth * kIndent) break;
        if (indent != depth * kIndent) refuse(line, "stands at no depth");
        ++at;
        Field field = field_of(line);
        field.fields = fields_at(lines, at, depth + 1);
        if (field.fields.empty() == (field.type == Type::structure)) {
            refuse(line, "a struct and nothing else has fields");
        }
        fields.push_back(std::move(field));
    }
    return fields;
}

}  // namespace

std::vector<Message> parse_table(std::string_view table) {
    std::vector<std::string_view> lines;
    while (!table.empty()) {
        const std::size_t end = std::min(table.find('\n'), table.size());
        if (table.substr(0, end).find_first_not_of(' ') != std::string_view::npos) {
            lines.push_back(table.substr(0, end));
        }
        table.remove_prefix(std::min(end + 1, table.size()));
    }
    std::vector<Message> parsed;
    for (std::size_t at = 0; at < lines.size();) {
        if (lines[at].front() == ' ') refuse(lines[at], "belongs to no message");
        Message message = message_of(lines[at++]);
        message.fields = fields_at(lines, at, 1);
        parsed.push_back(std::move(message));
    }
    return parsed;
}

const std::vector<Message>& messages() {
    static const std::vector<Message> all = [] {
        std::vector<Message> found;
        for (const std::string_view table : {kGroupRecords, kShareGroupRecords, kTransactionRecords,
                                             kMetadataRecords, kQuorumRecords}) {
            for (Message& message : parse_table(table)) found.push_back(std::move(message));
        }
        return found;
    }();
    return all;
}

const Message* find_message(std::string_view name) {
    for (const Message& message : messages()) {
        if (message.name == name) return &message;
    }
    return nullptr;
}

const Message* find_metadata_record(std::int16_t key) {
    for (const Message& message : messages()) {
        if (message.key == key) return &message;
    }
    return nullptr;
}

}  // namespace tribunal::schema
