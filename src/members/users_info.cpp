#include "base/locale_names.h"
#include "base/zone.h"
#include "members/member_reference.h"
#include "members/profiles_store.h"
#include "members/users.h"
#include "members/users_store.h"

namespace fealty::members {
namespace {

std::optional<std::string> iso(std::optional<TimeMs> time) { return time ? std::optional(to_iso(*time)) : std::nullopt; }

// Hidden names are hidden whether there are some or not.
std::optional<std::string> name_of(UserRow& row, std::optional<std::string>& name) {
  return row.hidden & kHidesName ? std::optional(std::string(kHiddenText)) : std::move(name);
}

}  // namespace

Result<UserInfo> UsersService::info(api::Context const& context, UserInfoIn const& in) {
  return database_.read([&](sql::Tx& tx) -> Result<UserInfo> {
    auto account = std::move(find_referenced(tx, context.community, {{in.idOrEmail, {}, {}}}).front());
    if (!account) return std::unexpected(std::move(account).error());
    MemberNo const member = account->number;

    // One round trip for all of it.
    std::optional<UserRow> row;
    UserBalances balances;
    std::string fields;
    UserInfo out;
    load_user_later(tx, context.community, member, row);
    load_user_balances_later(tx, context.community, member, balances);
    load_user_roles_later(tx, context.community, member, out.roles);
    load_user_tags_later(tx, context.community, member, out.tags);
    load_user_fields_later(tx, context.community, member, fields);
    tx.settle();
    if (!row || row->state == MembershipState::deleted) return std::unexpected(no_such_member());

    // Most members earned nothing today, which their newest entries tell.
    EntryNo const today{NumberSource::first_at(day_start(row->time_zone, day_at(row->time_zone, context.now)))};
    constexpr auto kXp = static_cast<std::size_t>(ledger::kXp.value), kCoins = static_cast<std::size_t>(ledger::kCoins.value),
                   kPremium = static_cast<std::size_t>(ledger::kPremium.value);
    EarnedSince earned{};
    if (balances.newest[kXp] >= today || balances.newest[kCoins] >= today)
      earned = earned_since(tx, context.community, member, balances, today, [&] { context.may_take_long(); });

    auto const state = state_at(row->state, row->until, context.now);
    out.userId = std::to_string(member.value);
    out._id = account->id().to_string();
    out.username = std::move(account->username);
    out.email = row->hidden & kHidesEmail ? std::string(kHiddenText) : std::move(account->email);
    out.xp = balances.amount[kXp];
    out.coins = balances.amount[kCoins];
    out.premiumCurrency = balances.amount[kPremium];
    out.highestRole = out.roles.empty() ? "@all" : out.roles.front();
    out.firstName = name_of(*row, row->first_name);
    out.lastName = name_of(*row, row->last_name);
    out.displayName = std::move(row->display_name);
    out.xpEarnedToday = std::max(earned.amount[kXp], Decimal{});
    out.coinsEarnedToday = std::max(earned.amount[kCoins], Decimal{});
    if (row->language) out.language = language_name(*row->language);
    if (row->avatar) out.avatar = avatar_url(row->host, *row->avatar);
    out.phone = std::move(row->phone);
    out.country = std::move(row->country);
    out.customFields.text = "{" + fields + "}";
    out.joinedAt = to_iso(row->joined_at);
    out.lastOnline = iso(row->last_online_at);
    out.status = to_string(state);
    if (state == MembershipState::suspended) out.suspendedUntil = iso(row->until);
    if (row->referred_by) out.referredBy = std::to_string(*row->referred_by);
    return out;
  });
}

Result<ActivityOut> UsersService::activity(api::Context const& context, ActivityIn const& in) {
  return database_.read([&](sql::Tx& tx) -> Result<ActivityOut> {
    std::string_view const type = in.identifier_type ? std::string_view(*in.identifier_type) : "email";
    // An id may be written short or long.
    bool const long_id = type == "id" && PublicId::parse(in.identifier).has_value();
    auto account = std::move(find_referenced(tx, context.community, {{in.identifier, long_id ? "_id" : type, {}}}).front());
    if (!account) return std::unexpected(std::move(account).error());
    auto const state = state_of(tx, context.community, account->number);
    if (!state || *state == MembershipState::deleted || *state == MembershipState::invited) return std::unexpected(no_such_member());

    constexpr std::int64_t kDaysDefault = 30;
    auto const today = day_at(community_zone(tx, context.community), context.now);
    auto const days = in.days.value_or(kDaysDefault);
    ActivityOut out;
    out.user_id = std::to_string(account->number.value);
    out.range = {day_text(today - days + 1), day_text(today)};
    out.daily_stats.reserve(static_cast<std::size_t>(days));
    for (std::int64_t d = 0; d < days; ++d) out.daily_stats.push_back({.date = day_text(today - d)});
    return out;
  });
}

}  // namespace fealty::members
