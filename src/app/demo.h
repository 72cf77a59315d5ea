// Invented people for who wants to look around: with fields, roles, tags and balances, made the way that all are made.
#pragma once
#include "access/audit.h"
#include "base/number_source.h"
#include "sql/sql.h"

namespace fealty::app {

inline constexpr int kDemoMembers = 300;
// Fields, roles and tags that are there already stay as they are. Gives the number of members made; throws OperatorError and what
// storage throws. People are made 50 at a time: those that are there when it throws stay.
std::int64_t make_demo(sql::Database& database, NumberSource& numbers, CommunityNo community, access::Actor const& actor, TimeMs now);

}  // namespace fealty::app
