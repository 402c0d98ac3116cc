// The parts of the HTML page that are files in the source tree, put into the program at build time
// by assets.cmake: a report needs no file but itself.
#pragma once

#include <string_view>

namespace tribunal {

// The frame of the page; "{{name}}" is a slot that to_html fills.
std::string_view page_html();
std::string_view page_css();
// All scripts of the page, joined.
std::string_view page_js();
// d3 version 5, minified, as the distribution packages it.
std::string_view chart_library();
// What a check's page has besides page_css: its own style, and its only script.
std::string_view check_css();
std::string_view check_js();

}  // namespace tribunal
