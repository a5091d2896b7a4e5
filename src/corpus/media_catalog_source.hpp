#pragma once
/// The user's own catalog as a source of training pieces.
#include <set>
#include <string>

#include "catalog/catalog.hpp"
#include "corpus/prepare.hpp"

namespace euterpe {

/// The catalog's scores. Tracks marked may_train = no are never opened, and counted in left_out; so are tracks whose
/// file is gone or changed since ingest (its SHA-256 is no longer the track's key). The source's licence joins the
/// distinct licences of its tracks; it is commercial if every one of them allows that, and a track without one does not.
Source source_from_catalog(Catalog& catalog, const std::string& style = "none");

/// SHA-256 of the tracks marked may_train = no.
std::set<std::string> forbidden_tracks(Catalog& catalog);

/// Takes out of any source the pieces whose file is a track of the catalog marked may_train = no: the owner's word
/// holds however the file comes in. Counted in left_out.
void leave_out_forbidden(Source& source, Catalog& catalog);

}  // namespace euterpe
