#include "broker/protocol/schema/codec.h"

#include <bit>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "broker/base/base64.h"
#include "broker/base/check.h"
#include "broker/base/uuid.h"
#include "broker/base/varint.h"

namespace tribunal::schema {
namespace {

using nlohmann::json;

constexpr const char* kUnknownTags = "unknownTaggedFields";

// "a.b[2]" of the place that is being read or written.
class Path {
  public:
    class Step {
      public:
        Step(Path& path, const std::string& text) : path_(path), size_(path.text_.size()) {
            path.text_ += text;
        }
        ~Step() { path_.text_.resize(size_); }
        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;

      private:
        Path& path_;
        std::size_t size_;
    };
    const std::string& text() const { return text_; }
    std::string name_step(const std::string& name) const {
        return text_.empty() ? name : "." + name;
    }

    // Thrown from the depths to decode() and encode().
    [[noreturn]] void misfit(const std::string& what) const {
        throw Misfit{text_.empty() ? what : text_ + ": " + what};
    }

  private:
    std::string text_;
};

bool is_present(const Field& field, std::int16_t version) {
    return field.versions.contains(version);
}

json default_of(const Field& field) {
    const std::string& text = field.default_value;
    if (field.is_nullable && text.empty()) return nullptr;
    if (field.is_array) return json::array();
    switch (field.type) {
        case Type::boolean:
            return text == "true";
        case Type::int8:
        case Type::int16:
        case Type::uint16:
        case Type::int32:
        case Type::int64:
            return text.empty() ? 0 : std::stoi(text);
        case Type::float64:
            return 0.0;
        case Type::string:
        case Type::bytes:
            return "";
        case Type::uuid:
            return Uuid{}.text();
        case Type::structure: {
            json all = json::object();
            for (const Field& inner : field.fields) all[inner.name] = default_of(inner);
            return all;
        }
    }
    CHECK(!"unknown type");
    return nullptr;
}

// --- bytes to JSON ------------------------------------------------------------------------------

class Reader {
  public:
    Reader(std::string_view in, std::int16_t version, bool is_flexible, Path& path)
        : in_(in), version_(version), is_flexible_(is_flexible), path_(path) {}

    bool is_done() const { return in_.empty(); }

    json fields(const std::vector<Field>& fields) {
        json object = json::object();
        for (const Field& field : fields) {
            if (!is_present(field, version_) || field.tag) continue;
            const Path::Step step(path_, path_.name_step(field.name));
            object[field.name] = value(field);
        }
        if (is_flexible_) tagged(fields, object);
        return object;
    }

  private:
    [[noreturn]] void misfit(const std::string& what) const { path_.misfit(what); }

    json value(const Field& field) {
        if (!field.is_array) return single(field);
        const auto size = length(4);
        if (!size) return null_of(field);
        // An element takes a byte at least: a length beyond the bytes is not worth allocating for.
        if (*size > in_.size()) misfit("more elements than bytes");
        json array = json::array();
        for (std::size_t i = 0; i < *size; ++i) {
            const Path::Step step(path_, "[" + std::to_string(i) + "]");
            array.push_back(single(field, true));
        }
        return array;
    }

    json single(const Field& field, bool is_element = false) {
        switch (field.type) {
            case Type::boolean:
                return integer<std::int8_t>() != 0;
            case Type::int8:
                return integer<std::int8_t>();
            case Type::int16:
                return integer<std::int16_t>();
            case Type::uint16:
                return integer<std::uint16_t>();
            case Type::int32:
                return integer<std::int32_t>();
            case Type::int64:
                return integer<std::int64_t>();
            case Type::float64:
                return std::bit_cast<double>(integer<std::uint64_t>());  // floating point: quotas
            case Type::string:
            case Type::bytes: {
                const auto size = length(field.type == Type::string ? 2 : 4);
                if (!size) return null_of(field);
                const std::string_view bytes = take(*size);
                return field.type == Type::string ? std::string(bytes)
                                                  : to_base64(bytes, Base64::standard);
            }
            case Type::uuid:
                return Uuid::of_bytes(take(16)).text();
            case Type::structure:
                // One that may be null begins with a byte that says whether it is.
                if (field.is_nullable && !is_element && integer<std::int8_t>() < 0) return nullptr;
                return fields(field.fields);
        }
        CHECK(!"unknown type");
        return nullptr;
    }

    void tagged(const std::vector<Field>& fields, json& object) {
        const std::uint32_t count = varint();
        std::int64_t last = -1;
        for (std::uint32_t i = 0; i < count; ++i) {
            const std::uint32_t tag = varint();
            if (tag <= last) misfit("tags do not ascend");
            last = tag;
            const std::string_view bytes = take(varint());
            const Field* known = nullptr;
            for (const Field& field : fields) {
                if (field.tag == tag && is_present(field, version_)) known = &field;
            }
            if (known == nullptr) {
                object[kUnknownTags].push_back(
                    {{"tag", tag}, {"bytes", to_base64(bytes, Base64::standard)}});
                continue;
            }
            const Path::Step step(path_, path_.name_step(known->name));
            Reader inner(bytes, version_, is_flexible_, path_);
            object[known->name] = inner.value(*known);
            if (!inner.is_done()) misfit("bytes left over in a tagged field");
        }
    }

    std::string_view take(std::size_t size) {
        if (size > in_.size()) misfit("the bytes end here");
        const std::string_view bytes = in_.substr(0, size);
        in_.remove_prefix(size);
        return bytes;
    }
    template <class Int>
    Int integer() {
        return big_endian_at<Int>(take(sizeof(Int)), 0);
    }
    std::uint32_t varint() {
        std::uint32_t value = 0;
        if (!take_unsigned_varint(in_, value)) misfit("no length or tag here");
        return value;
    }
    // The length before a text, bytes or an array; nullopt for null. `width` is its size where
    // lengths are not compact.
    std::optional<std::size_t> length(int width) {
        if (is_flexible_) {
            const std::uint32_t size = varint();
            return size == 0 ? std::nullopt : std::optional<std::size_t>{size - 1};
        }
        const std::int64_t size =
            width == 2 ? std::int64_t{integer<std::int16_t>()} : integer<std::int32_t>();
        return size < 0 ? std::nullopt : std::optional{static_cast<std::size_t>(size)};
    }
    json null_of(const Field& field) const {
        if (!field.is_nullable) misfit("is null and may not be");
        return nullptr;
    }

    std::string_view in_;
    std::int16_t version_;
    bool is_flexible_;
    Path& path_;
};

// --- JSON to bytes ------------------------------------------------------------------------------

class Writer {
  public:
    Writer(std::int16_t version, bool is_flexible, Path& path)
        : version_(version), is_flexible_(is_flexible), path_(path) {}

    std::string out;

    void fields(const std::vector<Field>& fields, const json& object) {
        if (!object.is_object()) misfit("is no object");
        refuse_strangers(fields, object);
        for (const Field& field : fields) {
            if (!is_present(field, version_) || field.tag) continue;
            const Path::Step step(path_, path_.name_step(field.name));
            const auto found = object.find(field.name);
            value(field, found == object.end() ? default_of(field) : *found);
        }
        if (is_flexible_) tagged(fields, object);
    }

  private:
    [[noreturn]] void misfit(const std::string& what) const { path_.misfit(what); }

    void refuse_strangers(const std::vector<Field>& fields, const json& object) const {
        for (const auto& [name, unused] : object.items()) {
            if (name == kUnknownTags && is_flexible_) continue;
            const Field* known = nullptr;
            for (const Field& field : fields) {
                if (field.name == name) known = &field;
            }
            if (known == nullptr) misfit("has no field " + name);
            if (!is_present(*known, version_) && unused != default_of(*known)) {
                misfit("has no field " + name + " in this version");
            }
        }
    }

    void value(const Field& field, const json& value) {
        if (!field.is_array) return single(field, value);
        if (value.is_null()) return null_of(field, 4);
        if (!value.is_array()) misfit("is no array");
        length(value.size(), 4);
        for (std::size_t i = 0; i < value.size(); ++i) {
            const Path::Step step(path_, "[" + std::to_string(i) + "]");
            single(field, value[i], true);
        }
    }

    void single(const Field& field, const json& value, bool is_element = false) {
        switch (field.type) {
            case Type::boolean:
                if (!value.is_boolean()) misfit("is no boolean");
                return put_big_endian(out, static_cast<std::int8_t>(value.get<bool>() ? 1 : 0));
            case Type::int8:
                return integer<std::int8_t>(value);
            case Type::int16:
                return integer<std::int16_t>(value);
            case Type::uint16:
                return integer<std::uint16_t>(value);
            case Type::int32:
                return integer<std::int32_t>(value);
            case Type::int64:
                return integer<std::int64_t>(value);
            case Type::float64:
                if (!value.is_number()) misfit("is no number");
                return put_big_endian(
                    out,
                    std::bit_cast<std::uint64_t>(value.get<double>()));  // floating point: quotas
            case Type::string:
            case Type::bytes:
                return text(field, value);
            case Type::uuid: {
                const auto id = Uuid::parse(value.is_string() ? value.get<std::string>() : "");
                if (!id) misfit("is no uuid");
                out += id->bytes();
                return;
            }
            case Type::structure:
                if (field.is_nullable && !is_element) {
                    put_big_endian(out, static_cast<std::int8_t>(value.is_null() ? -1 : 1));
                    if (value.is_null()) return;
                }
                return fields(field.fields, value);
        }
        CHECK(!"unknown type");
    }

    void text(const Field& field, const json& value) {
        const int width = field.type == Type::string ? 2 : 4;
        if (value.is_null()) return null_of(field, width);
        if (!value.is_string()) misfit("is no text");
        std::optional<std::string> bytes = value.get<std::string>();
        if (field.type == Type::bytes) bytes = from_base64(*bytes, Base64::standard);
        if (!bytes) misfit("is no base64");
        if (width == 2 && bytes->size() > INT16_MAX) misfit("is longer than 32767 bytes");
        length(bytes->size(), width);
        out += *bytes;
    }

    void tagged(const std::vector<Field>& fields, const json& object) {
        std::map<std::uint32_t, std::string> sections;
        for (const Field& field : fields) {
            if (!field.tag || !is_present(field, version_)) continue;
            const auto found = object.find(field.name);
            if (found == object.end() || *found == default_of(field)) continue;
            const Path::Step step(path_, path_.name_step(field.name));
            Writer inner(version_, is_flexible_, path_);
            inner.value(field, *found);
            sections[*field.tag] = std::move(inner.out);
        }
        if (const auto unknown = object.find(kUnknownTags); unknown != object.end()) {
            for (const json& section : *unknown) {
                const auto bytes =
                    from_base64(section.at("bytes").get<std::string>(), Base64::standard);
                if (!bytes) misfit("an unknown tagged field is no base64");
                sections[section.at("tag").get<std::uint32_t>()] = *bytes;
            }
        }
        put_unsigned_varint(out, sections.size());
        for (const auto& [tag, bytes] : sections) {
            put_unsigned_varint(out, tag);
            put_unsigned_varint(out, bytes.size());
            out += bytes;
        }
    }

    template <class Int>
    void integer(const json& value) {
        if (!value.is_number_integer()) misfit("is no integer");
        const bool is_large = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX;
        const auto number = value.get<std::int64_t>();
        if (is_large || !std::in_range<Int>(number)) misfit("is out of range");
        put_big_endian(out, static_cast<Int>(number));
    }
    void length(std::size_t size, int width) {
        if (is_flexible_) {
            put_unsigned_varint(out, size + 1);
        } else if (width == 2) {
            put_big_endian(out, static_cast<std::int16_t>(size));
        } else {
            put_big_endian(out, static_cast<std::int32_t>(size));
        }
    }
    void null_of(const Field& field, int width) {
        if (!field.is_nullable) misfit("is null and may not be");
        if (is_flexible_) {
            put_unsigned_varint(out, 0);
        } else if (width == 2) {
            put_big_endian(out, std::int16_t{-1});
        } else {
            put_big_endian(out, std::int32_t{-1});
        }
    }

    std::int16_t version_;
    bool is_flexible_;
    Path& path_;
};

Misfit wrong_version(const Message& message, std::int16_t version) {
    return {message.name + " has no version " + std::to_string(version)};
}

}  // namespace

Result<json, Misfit> decode(const Message& message, std::int16_t version, std::string_view bytes) {
    if (!message.versions.contains(version)) return wrong_version(message, version);
    Path path;
    try {
        Reader reader(bytes, version, message.flexible.contains(version), path);
        json value = reader.fields(message.fields);
        if (!reader.is_done()) path.misfit("bytes left over");
        return value;
    } catch (const Misfit& found) {
        return Misfit{message.name + ": " + found.what};
    }
}

Result<std::string, Misfit> encode(const Message& message, std::int16_t version,
                                   const json& value) {
    if (!message.versions.contains(version)) return wrong_version(message, version);
    Path path;
    try {
        Writer writer(version, message.flexible.contains(version), path);
        writer.fields(message.fields, value);
        return std::move(writer.out);
    } catch (const Misfit& found) {
        return Misfit{message.name + ": " + found.what};
    } catch (const json::exception& found) {
        return Misfit{message.name + ": " + found.what()};
    }
}

}  // namespace tribunal::schema
