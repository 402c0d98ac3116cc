// search() without its definition, explore.h, which takes a compiler long. The header of a
// specification says that the search of its states is compiled with it, so that nobody compiles it
// again:
//
//     extern template SearchResult search(const TwoPhase&, const SearchOptions&);
#pragma once

#include "model/model.h"
#include "model/result.h"

namespace tribunal {

template <Model M>
SearchResult search(const M& model, const SearchOptions& options);

}  // namespace tribunal
