#include "api/route_table.h"

#include <optional>
#include <set>
#include <stdexcept>

namespace fealty::api {

namespace {

constexpr std::size_t kMethods = 7;

constexpr std::string_view kVersioned[] = {"/v1", "/apis/v1", "/api/v1/apis/v1"};
constexpr std::string_view kSystem[] = {"", "/api/v1"};
// Application operations that are published without a prefix too.
constexpr std::string_view kAlsoBare[] = {"stores", "categories", "products", "leaderboards"};

[[noreturn]] void refuse(Route const& route, std::string const& why) {
  throw std::invalid_argument("route " + std::string(to_string(route.method)) + " " + route.path + ": " + why);
}

std::string_view first_segment(std::string_view path) {
  path.remove_prefix(1);
  return path.substr(0, path.find('/'));
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

void check_path(Route const& route) {
  std::string_view path = route.path;
  if (!path.starts_with('/')) refuse(route, "the path must begin with /");
  if (path == "/") return;
  std::set<std::string_view> names;
  while (!path.empty()) {
    path.remove_prefix(1);
    std::size_t const end = std::min(path.find('/'), path.size());
    std::string_view const segment = path.substr(0, end);
    path.remove_prefix(end);
    if (segment.empty()) refuse(route, "a segment of the path is empty");
    if (segment.find_first_of("{}") == std::string_view::npos) continue;
    std::string_view const name = segment.substr(1, segment.size() - std::min<std::size_t>(segment.size(), 2));
    if (!segment.starts_with('{') || !segment.ends_with('}') || name.empty() || name.find_first_of("{}") != std::string_view::npos) {
      refuse(route, "a segment of the path is neither a literal nor a {parameter}");
    }
    if (!names.insert(name).second) refuse(route, "two parameters of the path have one name");
  }
}

}  // namespace

// One segment of the paths.
struct RouteTable::Node {
  struct Slot {
    std::optional<std::size_t> route;
    bool gives_way = false;  // to a route of another family
  };
  std::array<Slot, kMethods> slots;
  std::unordered_map<std::string, std::unique_ptr<Node>, Hash, std::equal_to<>> literals;
  std::unique_ptr<Node> parameter;

  // With the fallback of HEAD.
  std::optional<std::size_t> find(Method method) const {
    auto const& own = slots[static_cast<std::size_t>(method)].route;
    if (own || method != Method::head) return own;
    return slots[static_cast<std::size_t>(Method::get)].route;
  }
};

RouteTable::RouteTable() : root_(std::make_unique<Node>()) {}
RouteTable::~RouteTable() = default;
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;

std::vector<std::string_view> prefixes_of(Route const& route) {
  switch (route.family) {
    case Family::integration: return {std::begin(kVersioned), std::end(kVersioned)};
    case Family::application: {
      std::vector<std::string_view> out(std::begin(kVersioned), std::end(kVersioned));
      if (std::ranges::find(kAlsoBare, first_segment(route.path)) != std::end(kAlsoBare)) out.push_back("");
      return out;
    }
    case Family::system: return {std::begin(kSystem), std::end(kSystem)};
    case Family::secure_auth:
    case Family::plain: return {""};
  }
  return {};
}

void RouteTable::add(Route route) {
  if (!route.handler && !route.later) refuse(route, "it has no handler");
  if (route.later && (route.handler || route.body == BodyKind::stream))
    refuse(route, "it has two handlers, or streams to one that answers later");
  if (route.id.empty()) refuse(route, "it has no id");
  if (route.summary.empty()) refuse(route, "it has no summary");
  check_path(route);
  for (Route const& other : routes_) {
    if (other.id == route.id) refuse(route, "another route has the id " + route.id);
  }
  routes_.push_back(std::move(route));
  std::size_t const index = routes_.size() - 1;
  for (auto prefix : prefixes_of(routes_[index])) mount(prefix, index, false);
  if (routes_[index].family == Family::system) mount("/v1", index, true);
}

void RouteTable::mount(std::string_view prefix, std::size_t index, bool gives_way) {
  Route const& route = routes_[index];
  std::string full = std::string(prefix) + route.path;
  if (!prefix.empty() && route.path == "/") full = prefix;
  Node* node = root_.get();
  bool all_literal = true;
  std::string_view rest = full;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    std::string_view const segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    std::unique_ptr<Node>* child = &node->parameter;
    if (is_parameter(segment)) {
      all_literal = false;
    } else {
      child = &node->literals[std::string(segment)];
    }
    if (!*child) *child = std::make_unique<Node>();
    node = child->get();
  }
  Node::Slot& slot = node->slots[static_cast<std::size_t>(route.method)];
  if (slot.route && !slot.gives_way && gives_way) return;
  if (slot.route && slot.gives_way == gives_way) refuse(route, "the route " + routes_[*slot.route].id + " has this method and path");
  slot = {index, gives_way};
  if (all_literal) literal_[full] = node;
}

RouteTable::Node const* RouteTable::walk(Node const& node, std::string_view rest, Method method, std::vector<std::string_view>& args,
                                         unsigned& methods, Family& family) const {
  if (rest.empty()) {
    for (std::size_t m = 0; m < kMethods; ++m) {
      auto const route = node.slots[m].route;
      if (!route) continue;
      if (methods == 0) family = routes_[*route].family;
      methods |= 1u << m;
    }
    return node.find(method) ? &node : nullptr;
  }
  rest.remove_prefix(1);
  std::string_view const segment = rest.substr(0, rest.find('/'));
  std::string_view const after = rest.substr(segment.size());
  if (auto const literal = node.literals.find(segment); literal != node.literals.end()) {
    if (auto const* found = walk(*literal->second, after, method, args, methods, family)) return found;
  }
  if (!node.parameter || segment.empty()) return nullptr;
  args.push_back(segment);
  if (auto const* found = walk(*node.parameter, after, method, args, methods, family)) return found;
  args.pop_back();
  return nullptr;
}

RouteTable::Match RouteTable::match(Method method, std::string_view path) const {
  Match match;
  if (!path.starts_with('/')) return match;
  std::vector<std::string_view> args;
  Node const* node = nullptr;
  unsigned methods = 0;
  if (auto const literal = literal_.find(path); literal != literal_.end() && literal->second->find(method)) {
    node = literal->second;
  } else {
    // The depth of the walk is bounded by the depth of the declared paths, so long paths cost nothing.
    node = walk(*root_, path, method, args, methods, match.family);
  }
  if (!node) {
    if (methods >> static_cast<unsigned>(Method::get) & 1) methods |= 1u << static_cast<unsigned>(Method::head);
    for (unsigned m = 0; m < kMethods; ++m) {
      if (methods >> m & 1) match.allowed.push_back(static_cast<Method>(m));
    }
    return match;
  }
  match.route = &routes_[*node->find(method)];
  match.family = match.route->family;
  match.path_args.assign(args.begin(), args.end());
  return match;
}

std::string allow_header(std::span<Method const> methods) {
  std::string out;
  for (Method m : methods) {
    if (!out.empty()) out += ", ";
    out += to_string(m);
  }
  return out;
}

}  // namespace fealty::api
