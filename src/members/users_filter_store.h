// Conditions as SQL. Texts are put together from constants and numbers of parameters; every value is a parameter.
#pragma once
#include <memory_resource>

#include "members/member_store.h"
#include "members/users_filter.h"

namespace fealty::members {

struct FilterRow {
  MemberNo member;
  TimeMs joined_at = 0;
  std::int64_t hidden = 0;
  std::string_view email, username;
  std::optional<std::string_view> first_name, last_name;

  // With Details::all.
  TimeMs account_created_at = 0;
  MembershipState state = MembershipState::active;
  std::optional<TimeMs> until;
  std::optional<std::string_view> display_name, phone, country, language;
  std::optional<std::int64_t> referred_by;
  std::optional<TimeMs> last_online_at;
};
enum class Details : std::uint8_t { few, all };

// Rows and the texts that they view.
class FilterPage {
 public:
  std::vector<FilterRow> rows;
  std::string_view keep(std::string_view text);

 private:
  std::pmr::monotonic_buffer_resource texts_{kBytes};
  static constexpr std::size_t kBytes = 16 * 1024;  // of a page of 200: all of most
};

struct FilterPlace {
  TimeMs joined_at = 0;
  MemberNo member;
};

// Members who fit all conditions behind `after` (none: from the first), past `skip` of them, in the order of their joining.
// `on_much` is called when a page without conditions turns out to stand behind many who are in no list.
void filter_page(sql::Tx& tx, CommunityNo community, std::vector<Condition> const& conditions, std::optional<FilterPlace> after,
                 std::int64_t skip, std::int64_t most, TimeMs now, Details details, FilterPage& page, std::function<void()> const& on_much);
// Whether the conditions name one member, who is looked up by his number.
bool names_one(std::vector<Condition> const& conditions);
std::int64_t filter_count(sql::Tx& tx, CommunityNo community, std::vector<Condition> const& conditions, TimeMs now);

}  // namespace fealty::members
