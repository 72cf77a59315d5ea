// What the columns of a bulk file mean: headers are bound once, at the upload, and the binding is kept with the job.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "jobs/bulk_kind.h"
#include "members/fields.h"

namespace fealty::members {

enum class BulkFlavour : std::uint8_t { update, premium, import };

namespace errors {
inline constexpr ErrorDef kInvalidHeader{"invalid_header", 400};
inline constexpr ErrorDef kMissingKeyColumn{"missing_key_column", 400};
inline constexpr ErrorDef kNothingToUpdate{"nothing_to_update", 400};
inline constexpr ErrorDef kNoRows{"no_rows", 400};
}  // namespace errors

std::vector<std::string> known_columns(BulkFlavour flavour, Catalogue const& catalogue);
// Pure. Every problem of the header at once. `creates_only`: of an import that may not touch who is there; it takes the names,
// the e-mail, the contact and the language, whatever the catalogue has.
Result<std::vector<jobs::Column>> bind_columns(BulkFlavour flavour, Catalogue const& catalogue, std::span<std::string const> header,
                                               bool creates_only = false);
std::vector<std::string> template_columns(BulkFlavour flavour, Catalogue const& catalogue);

// A binding read back: what a column of a job is now.
struct BoundColumn {
  enum class Role : std::uint8_t { ignored, email, user_id, username, value, op };
  Role role = Role::ignored;
  std::size_t slot = 0;  // value and op: index into BoundColumns::slots
  bool removed = false;  // value: the field was removed after the upload
};
struct BoundColumns {
  std::vector<BoundColumn> columns;
  std::vector<Slot> slots;
  std::vector<std::size_t> value_column, op_column;  // by slot; npos when there is none
  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
};
BoundColumns resolve_columns(std::span<jobs::Column const> columns, Catalogue const& catalogue);

}  // namespace fealty::members
