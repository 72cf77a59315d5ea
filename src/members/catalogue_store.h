// SQL and row mapping of field definitions, roles, tags and communities: no rules.
#pragma once
#include "members/fields.h"
#include "members/members.h"

namespace fealty::members {

std::optional<FieldNo> find_field_name(sql::Tx& tx, CommunityNo community, std::string_view folded);
// False, and nothing to keep, when another field took one of the names meanwhile.
bool insert_field(sql::Tx& tx, CommunityNo community, CustomField const& field, std::vector<std::string> const& folded_names);
std::optional<CustomField> find_field(sql::Tx& tx, CommunityNo community, PublicId id);
// Until the transaction ends nobody else changes the definition.
void lock_field(sql::Tx& tx, CommunityNo community, FieldNo field);
// False, and nothing to keep, when another field has one of the names.
bool update_field(sql::Tx& tx, CommunityNo community, CustomField const& field, std::vector<std::string> const& folded_names);
// Values that members hold: all of the field, those among some texts, and those that more than one member has.
std::int64_t count_values(sql::Tx& tx, CommunityNo community, FieldNo field);
std::int64_t count_values_among(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<std::string_view> const& texts);
std::int64_t count_shared_values(sql::Tx& tx, CommunityNo community, FieldNo field);
// identifier_values from the values that are there, and away with them.
void index_identifiers(sql::Tx& tx, CommunityNo community, FieldNo field);
void forget_identifiers(sql::Tx& tx, CommunityNo community, FieldNo field);
void mark_field_deleted(sql::Tx& tx, CommunityNo community, FieldNo field, TimeMs now);
std::optional<CustomField> find_deleted_field(sql::Tx& tx, CommunityNo community, PublicId id);
// False, and nothing to keep, when another field has one of the names.
bool restore_field(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<std::string> const& folded_names, TimeMs now);
// Unique names: a second one is refused by the store (StorageError::Kind::constraint).
void insert_tag(sql::Tx& tx, CommunityNo community, NamedNumber const& tag, TimeMs now);
void insert_community(sql::Tx& tx, CommunityNo community, NewCommunity const& made, MemberNo owner, TimeMs now);
std::vector<CommunitySummary> list_communities(sql::Tx& tx);

}  // namespace fealty::members
