#include "api/openapi.h"

#include <boost/json.hpp>

#include "api/typed.h"

namespace fealty::api::openapi_test {

constexpr std::string_view kStates[] = {"queued", "done"};

struct Part {
  std::string name;
  std::optional<Decimal> amount;
};
struct Thing {
  PublicId id;
  std::string state;
  std::vector<Part> parts;
  std::optional<Part> main;
  std::vector<Thing> children;
  Json anything;
  std::vector<std::string> labels;
};
struct Options {
  std::optional<std::string> log_name;
  std::optional<bool> dry_run;
};
struct Query {
  std::int64_t page = 1;
  std::int64_t limit = 20;
  std::vector<std::string> fields;
  std::string state;
};

}  // namespace fealty::api::openapi_test

FEALTY_SCHEMA(fealty::api::openapi_test::Part, field<&fealty::api::openapi_test::Part::name>("name", "Name.", {.required = true}),
              field<&fealty::api::openapi_test::Part::amount>("amount", "Amount.", {.min = 0}))
FEALTY_SCHEMA(fealty::api::openapi_test::Thing, field<&fealty::api::openapi_test::Thing::id>("_id", "Id."),
              field<&fealty::api::openapi_test::Thing::state>("state", "State.",
                                                              {.one_of = fealty::api::openapi_test::kStates, .example = "\"done\""}),
              field<&fealty::api::openapi_test::Thing::parts>("parts", "Parts."),
              field<&fealty::api::openapi_test::Thing::main>("main", "Main part."),
              field<&fealty::api::openapi_test::Thing::children>("children", "Children.", {.omit_empty = true}),
              field<&fealty::api::openapi_test::Thing::anything>("anything", "Anything."),
              field<&fealty::api::openapi_test::Thing::labels>("labels", "Labels."))
FEALTY_SCHEMA(fealty::api::openapi_test::Options, field<&fealty::api::openapi_test::Options::log_name>("log_name", "Label.", {.max = 200}),
              field<&fealty::api::openapi_test::Options::dry_run>("dry_run", "Write nothing."))
FEALTY_SCHEMA(fealty::api::openapi_test::Query, page_field<&fealty::api::openapi_test::Query::page>(),
              limit_field<&fealty::api::openapi_test::Query::limit>(),
              field<&fealty::api::openapi_test::Query::fields>("fields", "Members to give."),
              field<&fealty::api::openapi_test::Query::state>("state", "State.", {.required = true}))

namespace fealty::api::openapi_test {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr ErrorDef kThingNotFound{"thing_not_found", 404};
constexpr ErrorDef kThingLocked{"thing_locked", 409};

Result<Answer> nothing(Context&, Request&) { return Answer{}; }

RouteTable table() {
  RouteTable out;
  out.add(list_route<Query, Thing>({.method = Method::get,
                                    .path = "/things",
                                    .family = Family::integration,
                                    .needs = Needs::key({Permission::store}),
                                    .id = "things.list",
                                    .summary = "List things.",
                                    .tag = "Things"},
                                   "Things", [](Context&, Query const&) -> Result<Listing<Thing>> { return Listing<Thing>{}; }));
  out.add(typed_route<None, Thing, Thing>(
      {.method = Method::post,
       .path = "/things",
       .family = Family::integration,
       .needs = Needs::key({Permission::store, Permission::role}),
       .id = "things.create",
       .summary = "Create a thing.",
       .tag = "Things",
       .errors = {&kThingLocked, &fealty::errors::kIdempotencyKeyReused}},
      "Created", [](Context&, None const&, Thing const& in) -> Result<Thing> { return in; }, 201));
  out.add({.method = Method::post,
           .path = "/things/upload",
           .family = Family::integration,
           .needs = Needs::key({Permission::bulk_update_user}),
           .body = BodyKind::stream,
           .id = "things.upload",
           .summary = "Upload things.",
           .in = &Schema<Options>::def,
           .handler = nothing});
  out.add({.method = Method::get,
           .path = "/roles/{userId}",
           .family = Family::system,
           .needs = Needs::system(),
           .id = "roles.of_user",
           .summary = "Roles of a user.",
           .out = &Schema<Part>::def,
           .errors = {&kThingNotFound},
           .handler = nothing});
  out.add({.method = Method::del,
           .path = "/roles/{id}",
           .family = Family::system,
           .needs = Needs::key({}),
           .id = "roles.delete",
           .summary = "Delete a role.",
           .handler = nothing});
  out.add({.method = Method::get,
           .path = "/communities/{communityId}/fields/{fieldId}",
           .family = Family::application,
           .needs = Needs::key({Permission::user_fields}),
           .id = "fields.read",
           .summary = "Read a field.",
           .out = &Schema<Part>::def,
           .handler = nothing});
  out.add({.method = Method::get,
           .path = "/metrics",
           .family = Family::plain,
           .needs = Needs::nothing(),
           .id = "metrics",
           .summary = "Metrics.",
           .raw_content_type = "text/plain",
           .handler = nothing});
  return out;
}

// Calls visit(key, value) for every member anywhere in the document.
void walk(json::value const& value, auto const& visit) {
  if (auto const* object = value.if_object()) {
    for (auto const& member : *object) {
      visit(std::string_view(member.key()), member.value());
      walk(member.value(), visit);
    }
  } else if (auto const* array = value.if_array()) {
    for (auto const& item : *array) walk(item, visit);
  }
}

json::value document() { return json::parse(openapi_document(table(), "1.2.3")); }

json::value at(json::value const& value, std::string_view pointer) { return value.at_pointer({pointer.data(), pointer.size()}); }

TEST(OpenApi, EveryReferenceResolves) {
  auto const doc = document();
  int references = 0;
  walk(doc, [&](std::string_view key, json::value const& value) {
    if (key != "$ref") return;
    ++references;
    std::string const ref(value.as_string());
    ASSERT_TRUE(ref.starts_with("#/"));
    json::error_code ec;
    EXPECT_NE(doc.find_pointer(ref.substr(1), ec), nullptr) << ref;
  });
  EXPECT_GT(references, 20);
}

TEST(OpenApi, OperationsHaveDifferentIdsAndDeclareTheirPathParameters) {
  auto const doc = document();
  std::set<std::string> ids, expected;
  for (auto const& path : doc.at("paths").as_object()) {
    std::set<std::string> in_path;
    std::string_view const text(path.key());
    for (auto begin = text.find('{'); begin != text.npos; begin = text.find('{', begin + 1)) {
      in_path.emplace(text.substr(begin + 1, text.find('}', begin) - begin - 1));
    }
    for (auto const& operation : path.value().as_object()) {
      EXPECT_TRUE(ids.insert(std::string(operation.value().at("operationId").as_string())).second);
      std::set<std::string> declared;
      if (auto const* parameters = operation.value().as_object().if_contains("parameters")) {
        for (auto const& p : parameters->as_array()) {
          if (p.at("in").as_string() != "path") continue;
          EXPECT_TRUE(p.at("required").as_bool());
          declared.emplace(p.at("name").as_string());
        }
      }
      EXPECT_EQ(declared, in_path) << text;
      EXPECT_FALSE(operation.value().at("responses").as_object().empty());
    }
  }
  for (auto const& route : table().routes()) expected.insert(route.id);
  EXPECT_EQ(ids, expected);
}

TEST(OpenApi, IsTheSameForEveryOrderOfRegistration) {
  auto const forwards = table();
  RouteTable backwards;
  for (auto i = forwards.routes().size(); i-- > 0;) backwards.add(forwards.routes()[i]);
  EXPECT_EQ(openapi_document(forwards, "1"), openapi_document(backwards, "1"));
}

TEST(OpenApi, StatesSecurityAndPermissions) {
  auto const doc = document();
  EXPECT_EQ(json::serialize(at(doc, "/paths/~1v1~1things/post/security")), R"([{"communityKey":[]},{"userToken":[]}])");
  EXPECT_EQ(json::serialize(at(doc, "/paths/~1v1~1things/post/x-permissions")), R"(["store","role"])");
  EXPECT_EQ(json::serialize(at(doc, "/paths/~1roles~1{userId}/get/security")), R"([{"systemKey":[]},{"userToken":[]}])");
  EXPECT_EQ(json::serialize(at(doc, "/paths/~1metrics/get/security")), "[]");
  EXPECT_EQ(at(doc, "/components/securitySchemes/systemKey/name").as_string(), "x-api-key");
  EXPECT_EQ(at(doc, "/components/securitySchemes/communityKey/scheme").as_string(), "bearer");
}

TEST(OpenApi, ListsAllPathsOfAnOperation) {
  auto const doc = document();
  EXPECT_EQ(json::serialize(at(doc, "/paths/~1v1~1things/get/x-paths")), R"(["/v1/things","/apis/v1/things","/api/v1/apis/v1/things"])");
  EXPECT_EQ(json::serialize(at(doc, "/paths/~1roles~1{userId}/delete/x-paths")),
            R"(["/roles/{id}","/api/v1/roles/{id}","/v1/roles/{id}"])");
}

TEST(OpenApi, GivesOnePathToOperationsThatNameItsParametersDifferently) {
  auto const parameters = at(document(), "/paths/~1roles~1{userId}/delete/parameters");
  EXPECT_EQ(json::serialize(parameters),
            R"([{"name":"userId","in":"path","required":true,"description":"Called id by this operation.","schema":{"type":"string"}}])");
}

TEST(OpenApi, DescribesBodiesAndAnswersByDirection) {
  auto const doc = document();
  auto const& schemas = doc.at("components").at("schemas");
  EXPECT_EQ(json::serialize(schemas.at("api.openapi_test.PartInput")),
            R"({"type":"object","properties":{"name":{"type":"string","description":"Name."},)"
            R"("amount":{"type":["number","string","null"],"format":"decimal","minimum":0,"description":"Amount."}},"required":["name"]})");
  EXPECT_EQ(json::serialize(schemas.at("api.openapi_test.Part").at("properties").at("amount").at("type")), R"(["number","null"])");
  EXPECT_EQ(json::serialize(schemas.at("api.openapi_test.Thing").at("required")), R"(["_id","state","parts","main","anything","labels"])");
  auto const& thing = schemas.at("api.openapi_test.Thing").at("properties");
  EXPECT_EQ(thing.at("_id").at("pattern").as_string(), "^[0-9a-f]{24}$");
  EXPECT_EQ(json::serialize(thing.at("state")), R"({"type":"string","enum":["queued","done"],"description":"State.","examples":["done"]})");
  EXPECT_EQ(json::serialize(thing.at("main")),
            R"({"anyOf":[{"$ref":"#/components/schemas/api.openapi_test.Part"},{"type":"null"}],"description":"Main part."})");
  EXPECT_EQ(json::serialize(thing.at("anything")), R"({"description":"Anything."})");
  EXPECT_EQ(at(doc, "/paths/~1v1~1things/post/requestBody/content/application~1json/schema/$ref").as_string(),
            "#/components/schemas/api.openapi_test.ThingInput");
}

TEST(OpenApi, DescribesEnvelopesOfTheFamilies) {
  auto const doc = document();
  constexpr std::string_view kSchema = "/content/application~1json/schema";
  auto const list = at(doc, "/paths/~1v1~1things/get/responses/200" + std::string(kSchema));
  EXPECT_EQ(json::serialize(list.at("required")), R"(["status","message","data","pagination"])");
  EXPECT_EQ(list.at("properties").at("data").at("type").as_string(), "array");
  auto const created = at(doc, "/paths/~1v1~1things/post/responses/201" + std::string(kSchema));
  EXPECT_EQ(json::serialize(created.at("required")), R"(["status","message","data"])");
  auto const system = at(doc, "/paths/~1roles~1{userId}/get/responses/200" + std::string(kSchema));
  EXPECT_EQ(json::serialize(system.at("required")), R"(["meta","body"])");
  auto const application = at(doc, "/paths/~1v1~1communities~1{communityId}~1fields~1{fieldId}/get/responses/200" + std::string(kSchema));
  EXPECT_EQ(json::serialize(application.at("required")), R"(["meta","message","data"])");
  EXPECT_EQ(json::serialize(at(doc, "/paths/~1metrics/get/responses/200/content")), R"({"text/plain":{"schema":{"type":"string"}}})");
}

TEST(OpenApi, ListsTheCodesOfEachStatus) {
  auto const doc = document();
  auto const conflict = at(doc, "/paths/~1v1~1things/post/responses/409");
  EXPECT_EQ(json::serialize(conflict.at("x-codes")), R"(["idempotency_key_reused","thing_locked"])");
  EXPECT_EQ(json::serialize(at(doc, "/paths/~1roles~1{userId}/get/responses/404/content")),
            R"({"application/json":{"schema":{"$ref":"#/components/schemas/SystemError"}}})");
  EXPECT_EQ(json::serialize(at(doc, "/paths/~1v1~1things/get/responses/401/x-codes")), R"(["insufficient_permission","unauthorized"])");
}

TEST(OpenApi, DescribesUploadsAsFormAndAsCsv) {
  auto const doc = document();
  auto const content = at(doc, "/paths/~1v1~1things~1upload/post/requestBody/content");
  auto const& form = content.at("multipart/form-data").at("schema");
  EXPECT_EQ(form.at("properties").at("data").at("format").as_string(), "binary");
  EXPECT_EQ(form.at("properties").at("log_name").at("maxLength").as_int64(), 200);
  EXPECT_EQ(json::serialize(form.at("required")), R"(["data"])");
  EXPECT_TRUE(content.as_object().contains("text/csv"));
  auto const parameters = json::serialize(at(doc, "/paths/~1v1~1things~1upload/post/parameters"));
  EXPECT_THAT(parameters, HasSubstr(R"({"name":"dry_run","in":"query","schema":{"type":"boolean","description":"Write nothing."}})"));
}

TEST(OpenApi, OffersIdempotencyKeysWhereTheyAreHonoured) {
  auto const doc = document();
  EXPECT_THAT(json::serialize(at(doc, "/paths/~1v1~1things/post/parameters")), HasSubstr("Idempotency-Key"));
  EXPECT_THAT(json::serialize(at(doc, "/paths/~1v1~1things~1upload/post")), Not(HasSubstr("dempotency")));
}

TEST(OpenApi, DescribesQueryParameters) {
  auto const parameters = json::serialize(at(document(), "/paths/~1v1~1things/get/parameters"));
  EXPECT_THAT(parameters, HasSubstr(R"({"name":"fields","in":"query","style":"form","explode":false,)"));
  EXPECT_THAT(parameters, HasSubstr(R"({"name":"state","in":"query","required":true,)"));
  EXPECT_THAT(parameters, HasSubstr(R"("minimum":1,"maximum":100)"));
  EXPECT_THAT(parameters, Not(HasSubstr("Idempotency-Key")));
}

}  // namespace
}  // namespace fealty::api::openapi_test
