// One search over any model: see SearchOptions for what can be asked, SearchResult for the answer.
#pragma once

#include "model/breadth_first.h"
#include "model/model.h"
#include "model/result.h"
#include "model/sequential.h"

namespace tribunal {

// Throws std::invalid_argument when the options do not fit the model or each other, with a sentence
// that names both.
template <Model M>
SearchResult search(const M& model, const SearchOptions& options) {
    check_options(options, HasSymmetry<M>, HasIndependence<M>);
    if (options.policy == SearchPolicy::breadth_first) return BreadthFirst<M>(model, options).run();
    return Sequential<M>(model, options).run();
}

}  // namespace tribunal
