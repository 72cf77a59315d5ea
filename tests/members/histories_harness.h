// Histories as the API shows them, beside all that writes them: single changes, whole jobs, reversals.
#pragma once
#include "api/json_tree.h"
#include "base/text.h"
#include "members/histories.h"
#include "members/history_check.h"
#include "members/history_upkeep.h"
#include "members/user_fields.h"
#include "members/users.h"
#include "revert_machine.h"
#include "support/reply.h"

namespace fealty::members {

using test::Reply;

struct Item {
  std::string id, user, field, before, after, kind;
  bool operator==(Item const&) const = default;
};
inline void PrintTo(Item const& i, std::ostream* out) {
  *out << i.id << " " << i.user << "/" << i.field << " " << i.before << " > " << i.after << " by " << i.kind;
}

class HistoriesTest : public RevertTest {
 protected:
  void SetUp() override {
    RevertTest::SetUp();
    histories_ = std::make_unique<HistoriesService>(db(), numbers_);
    user_fields_ = std::make_unique<UserFieldsService>(db(), numbers_);
    users_ = std::make_unique<UsersService>(db(), numbers_, passwords_);
    upkeep_ = std::make_unique<HistoryUpkeep>(db(), numbers_, [this] { return system_now() + ahead_ms_; });
  }

  // Of a signed-in person.
  api::Context person(std::int64_t account, api::CommunityRole role = api::CommunityRole::administrator) {
    auto c = context();
    c.principal.kind = api::PrincipalKind::user;
    c.principal.account = {account};
    c.principal.role = role;
    c.principal.name = "user" + std::to_string(account);
    c.principal.key_prefix = "user:" + std::to_string(account);
    return c;
  }
  Reply call_as(api::Context caller, std::string_view id, std::vector<std::string> path, std::string body = "",
                std::vector<std::pair<std::string, std::string>> query = {}, std::string const& idempotency_key = "") {
    std::vector<api::Route> routes = histories_routes(*histories_);
    for (auto& route : user_fields_routes(*user_fields_)) routes.push_back(std::move(route));
    for (auto& route : users_routes(*users_, passwords_)) routes.push_back(std::move(route));
    caller.now += ahead_ms_;
    for (auto const& route : routes) {
      if (route.id != id) continue;
      api::Request request;
      request.body = std::move(body);
      request.path_args = {caller.principal.community_id.to_string()};
      request.path_args.insert(request.path_args.end(), path.begin(), path.end());
      request.query = std::move(query);
      if (!idempotency_key.empty()) request.headers.push_back({"idempotency-key", idempotency_key});
      return test::reply_of(route, caller, request);
    }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
  Reply call(std::string_view id, std::vector<std::string> path, std::string body = "",
             std::vector<std::pair<std::string, std::string>> query = {}) {
    return call_as(context(), id, std::move(path), std::move(body), std::move(query));
  }
  Reply set(std::int64_t member, std::string const& field, std::string const& value, std::string const& op = "overwrite") {
    return call("user_fields.set", {std::to_string(member)},
                R"({"customFields":[{"fieldIdorName":")" + field + R"(","op":")" + op + R"(","value":)" + value + "}]}");
  }
  Reply create(std::int64_t member, std::string const& body) { return call("user_field_histories.create", {std::to_string(member)}, body); }

  // A list to its end, page by page; fails where pages or totals do not fit together.
  std::vector<Item> walk(std::string_view id, std::vector<std::string> const& path,
                         std::vector<std::pair<std::string, std::string>> query = {}, std::int64_t limit = 100) {
    query.emplace_back("limit", std::to_string(limit));
    std::vector<Item> out;
    std::string cursor, total;
    for (int page = 1;; ++page) {
      auto asked = query;
      if (!cursor.empty()) asked.emplace_back("cursor", cursor);
      auto const reply = call(id, path, "", asked);
      EXPECT_EQ(reply.status, 200) << reply.body;
      if (reply.status != 200) return out;
      EXPECT_EQ(reply.at("/meta/page"), std::to_string(page));
      if (page == 1) total = reply.at("/meta/total");
      EXPECT_EQ(reply.at("/meta/total"), total);
      api::JsonTree tree;
      std::vector<Issue> issues;
      EXPECT_TRUE(tree.parse(reply.body, issues));
      auto const items = tree.root().find("data").value();
      for (auto const item : items) {
        auto const text = [&](char const* part, char const* inner) {
          return std::string((inner ? *item.find(part)->find(inner) : *item.find(part)).text());
        };
        std::string before, after;
        item.find("previousValue")->write(before);
        item.find("value")->write(after);
        out.push_back({text("_id", nullptr), text("user", "id"), text("userField", "field"), before, after, text("source", "kind")});
      }
      cursor = reply.text("/meta/nextCursor");
      if (cursor == "null") break;
    }
    if (!total.empty()) {
      EXPECT_EQ(std::to_string(out.size()), total) << id;
    }
    return out;
  }
  std::vector<Item> all(std::vector<std::pair<std::string, std::string>> query = {}) {
    return walk("user_field_histories.list", {}, std::move(query));
  }
  std::string id_of(CustomField const& f) { return f.id().to_string(); }
  std::vector<Item> of_value(std::int64_t member, CustomField const& f) {
    return walk("user_field_histories.of_field_and_user", {std::to_string(member), id_of(f)}, {{"sort", "createdAt:asc"}});
  }
  void expect_sound() {
    db().read([&](sql::Tx& tx) {
      for (auto const& b : audit_histories(tx, 100)) ADD_FAILURE() << b.member.value << "/" << b.field.value << " " << b.what;
      for (auto const& w : audit_history_spans(tx, 100))
        ADD_FAILURE() << "member " << w.member.value << ", field " << w.field.value << ": " << w.items << " items, " << w.in_spans
                      << " in spans";
    });
    EXPECT_THAT(jobs::check_jobs(db(), files_, {.second_look_ms = 0}), testing::IsEmpty());
  }

  std::int64_t ahead_ms_ = 0;
  access::PasswordHasher passwords_{1};
  std::unique_ptr<HistoriesService> histories_;
  std::unique_ptr<UserFieldsService> user_fields_;
  std::unique_ptr<UsersService> users_;
  std::unique_ptr<HistoryUpkeep> upkeep_;
};

}  // namespace fealty::members
