// SQL and row mapping of field definitions, roles, tags and communities: no rules.
#pragma once
#include "members/fields.h"
#include "members/members.h"

namespace fealty::members {

std::optional<FieldNo> find_field_name(sql::Tx& tx, CommunityNo community, std::string_view folded);
// False, and nothing to keep, when another field took one of the names meanwhile.
bool insert_field(sql::Tx& tx, CommunityNo community, CustomField const& field, std::vector<std::string> const& folded_names);
void mark_field_deleted(sql::Tx& tx, CommunityNo community, FieldNo field, TimeMs now);
// Unique titles and names: a second one is refused by the store (StorageError::Kind::constraint).
void insert_role(sql::Tx& tx, CommunityNo community, NamedNumber const& role, TimeMs now);
void insert_tag(sql::Tx& tx, CommunityNo community, NamedNumber const& tag, TimeMs now);
void insert_community(sql::Tx& tx, CommunityNo community, NewCommunity const& made, MemberNo owner, TimeMs now);
std::vector<CommunitySummary> list_communities(sql::Tx& tx);

}  // namespace fealty::members
