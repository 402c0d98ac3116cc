#include "broker/base/check.h"

#include <string>
#include <string_view>

namespace tribunal {

void check_failed(const char* what, const char* file, int line) {
    // The path of the checkout must not reach a report: only the part from the folder on.
    std::string_view path{file};
    for (const std::string_view folder :
         {"/broker/", "/sim/", "/properties/", "/model/", "/scenarios/", "/reports/", "/cli/"}) {
        const auto at = path.rfind(folder);
        if (at != std::string_view::npos) {
            path.remove_prefix(at + 1);
            break;
        }
    }
    throw CheckFailure{std::string{path} + ":" + std::to_string(line) + ": CHECK(" + what + ")"};
}

}  // namespace tribunal
