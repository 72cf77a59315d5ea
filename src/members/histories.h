// Histories of values over HTTP: four lists, and the writes that add to them.
#pragma once
#include "access/once.h"
#include "api/context.h"
#include "api/route.h"
#include "members/fields.h"
#include "members/histories_api.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kBadValue{"bad_value", 400};
inline constexpr ErrorDef kValueRequired{"required", 400};
inline constexpr ErrorDef kOpNotNumeric{"op_not_numeric", 400};
inline constexpr ErrorDef kDefaultFieldValue{"default_field", 400};
inline constexpr ErrorDef kIdentifierTaken{"identifier_taken", 409};
inline constexpr ErrorDef kFieldNotEditable{"field_not_editable", 403};
inline constexpr ErrorDef kValueChanged{"value_changed", 409};
}  // namespace errors

struct HistoryPage {
  std::vector<api::Json> items;
  std::int64_t page = 1, limit = api::kPageLimitDefault;
  std::optional<std::int64_t> total;
  std::optional<std::string> next_cursor;
};

// Any thread.
class HistoriesService {
 public:
  HistoriesService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}

  // Of a member (_id or short id), of a field (_id), of both or of the whole community.
  struct Asked {
    std::optional<std::string> user, field, source;
  };
  Result<HistoryPage> list(api::Context const& context, Asked const& asked, HistoriesQuery const& query);

  // Up to 100 values of one member, all or none. A member writes his own values alone, and those alone that he may edit.
  Result<api::Answer> set(api::Context const& context, std::string const& user, SetValuesIn const& in,
                          std::optional<access::OnceKey> const& key);
  // One value, as the item of history that it makes; the latest one where nothing changes.
  Result<api::Answer> create(api::Context const& context, std::string const& user, CreateHistoryIn const& in,
                             std::optional<access::OnceKey> const& key);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

std::vector<api::Route> histories_routes(HistoriesService& service);

}  // namespace fealty::members
