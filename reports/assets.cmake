# Puts page.html, the style sheet, the scripts and the chart library into one generated source.
#
# Included from the top CMakeLists.txt it defines TRIBUNAL_REPORTS_ASSETS, the file to compile.
# With -P it is the generator itself, so that no other tool is needed at build time.
set(TRIBUNAL_ASSET_SCRIPTS chart.js overview.js spacetime.js partitions.js page.js)

if(CMAKE_SCRIPT_MODE_FILE)
  # cmake -DFROM=folder -DLIBRARY=d3.min.js -DTO=file.cc -P assets.cmake
  set(out "// Generated from reports/ by assets.cmake.\n#include \"reports/assets.h\"\n\nnamespace tribunal {\n")
  function(embed name)
    set(text "")
    foreach(file ${ARGN})
      file(READ "${file}" part)
      string(APPEND text "${part}")
      # A NUL would end the text early, and nobody would see it.
      file(SIZE "${file}" size)
      string(LENGTH "${part}" length)
      if(NOT size EQUAL length)
        message(FATAL_ERROR "${file}: ${size} bytes, but only ${length} could be read")
      endif()
    endforeach()
    string(FIND "${text}" ")tribunal\"" ends)
    if(NOT ends EQUAL -1)
      message(FATAL_ERROR "${name}: contains the end mark of the raw string")
    endif()
    set(out "${out}\nstd::string_view ${name}() {\n    return R\"tribunal(${text})tribunal\";\n}\n" PARENT_SCOPE)
  endfunction()
  list(TRANSFORM TRIBUNAL_ASSET_SCRIPTS PREPEND "${FROM}/" OUTPUT_VARIABLE scripts)
  embed(page_html "${FROM}/page.html")
  embed(page_css "${FROM}/page.css")
  embed(page_js ${scripts})
  embed(chart_library "${LIBRARY}")
  embed(check_css "${FROM}/check.css")
  embed(check_js "${FROM}/check.js")
  file(WRITE "${TO}" "${out}\n}  // namespace tribunal\n")
  return()
endif()

find_file(TRIBUNAL_CHART_LIBRARY d3.min.js
  PATHS /usr/share/nodejs/d3/dist /usr/share/javascript/d3 NO_DEFAULT_PATH
  DOC "d3 version 5, minified (Debian package node-d3)")
if(NOT TRIBUNAL_CHART_LIBRARY)
  message(FATAL_ERROR "d3.min.js not found: install node-d3, or set TRIBUNAL_CHART_LIBRARY")
endif()
# libjs-d3 is version 3, which cannot draw these charts.
file(READ "${TRIBUNAL_CHART_LIBRARY}" tribunal_chart_head LIMIT 100)
if(NOT tribunal_chart_head MATCHES "v5\\.")
  message(FATAL_ERROR "${TRIBUNAL_CHART_LIBRARY} is not d3 version 5: install node-d3, or set "
    "TRIBUNAL_CHART_LIBRARY")
endif()

set(TRIBUNAL_REPORTS_ASSETS "${CMAKE_CURRENT_BINARY_DIR}/reports_assets.cc")
set(tribunal_asset_files page.html page.css ${TRIBUNAL_ASSET_SCRIPTS} check.css check.js)
list(TRANSFORM tribunal_asset_files PREPEND "${CMAKE_CURRENT_LIST_DIR}/")
add_custom_command(OUTPUT "${TRIBUNAL_REPORTS_ASSETS}"
  COMMAND ${CMAKE_COMMAND} -DFROM=${CMAKE_CURRENT_LIST_DIR} -DLIBRARY=${TRIBUNAL_CHART_LIBRARY}
    -DTO=${TRIBUNAL_REPORTS_ASSETS} -P ${CMAKE_CURRENT_LIST_DIR}/assets.cmake
  DEPENDS ${tribunal_asset_files} "${CMAKE_CURRENT_LIST_DIR}/assets.cmake" "${TRIBUNAL_CHART_LIBRARY}"
  COMMENT "Embedding the report page" VERBATIM)
