// Access levels: numbers under which other systems name the roles that a new member begins with.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "access/once.h"
#include "api/context.h"
#include "api/route.h"
#include "api/schema.h"
#include "base/number_source.h"
#include "sql/sql.h"

namespace fealty::identity {

namespace errors {
inline constexpr ErrorDef kAccessLevelNotFound{"access_level_not_found", 404};
inline constexpr ErrorDef kAccessLevelExists{"access_level_exists", 409};
inline constexpr ErrorDef kAccessLevelFixed{"access_level_fixed", 409};
inline constexpr ErrorDef kTooManyAccessLevels{"too_many_access_levels", 409};
}  // namespace errors

inline constexpr std::int64_t kAccessLevelMax = 1'000'000;
inline constexpr std::int64_t kAccessLevelsPerCommunityMax = 1'000;
inline constexpr std::size_t kRolesPerLevelMax = 100;

struct AccessLevelIn {
  std::int64_t number = 0;
  std::string name;
  std::vector<std::string> roles;
};
struct AccessLevelChange {
  std::optional<std::int64_t> number;
  std::optional<std::string> name;
  std::optional<std::vector<std::string>> roles;
};
struct AccessLevelOut {
  std::int64_t number = 0;
  std::string name;
  std::vector<std::string> roles;
};

// Any thread.
class AccessLevelService {
 public:
  AccessLevelService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}
  std::vector<AccessLevelOut> list(api::Context const& context);
  Result<api::Answer> create(api::Context const& context, AccessLevelIn const& in, std::optional<access::OnceKey> const& key);
  Result<AccessLevelOut> change(api::Context const& context, std::int64_t number, AccessLevelChange const& in);
  Result<AccessLevelOut> remove(api::Context const& context, std::int64_t number);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

std::vector<api::Route> access_level_routes(AccessLevelService& service);

}  // namespace fealty::identity

FEALTY_SCHEMA(fealty::identity::AccessLevelIn,
              field<&fealty::identity::AccessLevelIn::number>("number", "What other systems call it.",
                                                              {.min = 0, .max = 1'000'000, .required = true, .example = "1"}),
              field<&fealty::identity::AccessLevelIn::name>("name", "1 to 100 characters.", {.min = 1, .max = 100, .required = true}),
              field<&fealty::identity::AccessLevelIn::roles>("roles", "Titles of roles that a new member gets, beside @all.",
                                                             {.max = 100, .required = true}))
FEALTY_SCHEMA(fealty::identity::AccessLevelChange,
              field<&fealty::identity::AccessLevelChange::number>("number", "The number cannot be changed; it may be repeated.",
                                                                  {.min = 0, .max = 1'000'000}),
              field<&fealty::identity::AccessLevelChange::name>("name", "1 to 100 characters.", {.min = 1, .max = 100}),
              field<&fealty::identity::AccessLevelChange::roles>("roles", "Titles of roles that a new member gets, beside @all.",
                                                                 {.max = 100}))
FEALTY_SCHEMA(fealty::identity::AccessLevelOut,
              field<&fealty::identity::AccessLevelOut::number>("number", "What other systems call it.", {.example = "1"}),
              field<&fealty::identity::AccessLevelOut::name>("name", "Name."),
              field<&fealty::identity::AccessLevelOut::roles>("roles", "Titles of its roles; @all alone for level 0."))
