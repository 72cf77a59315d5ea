#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "app/bulk/commands.h"
#include "app/installation.h"
#include "app/operator_commands.h"
#include "app/serve.h"

// The program: reads the command line, runs one command. Exit status: 0 done, 1 it failed, 2 the command line is wrong;
// the bulk commands have more of them.
int main(int argc, char** argv) {
  using namespace fealty;
  // glibc gives every thread a heap of its own that never shrinks; work moves between threads here, so a few are enough.
  ::mallopt(M_ARENA_MAX, 2);
  // A chunk's memory stays for the next chunk: given back and taken anew, it would be cleared by the kernel each time.
  ::mallopt(M_TRIM_THRESHOLD, 32 * 1024 * 1024);
  ::mallopt(M_MMAP_THRESHOLD, 16 * 1024 * 1024);
  CLI::App app{"Fealty, a community-loyalty server. See docs/operating.md for how to run it."};
  app.require_subcommand(1);
  app.fallthrough(false);
  app.set_config("--config", "", "Settings file (TOML or INI): names as the long flags, under the command's section such as [serve]")
      ->envname("FEALTY_CONFIG");
  app.allow_config_extras(CLI::config_extras_mode::error);

  std::vector<std::function<int()>> chosen;
  app::ServeSettings serve_settings;
  auto* serve = app.add_subcommand("serve", "Run the server");
  app::add_serve_options(*serve, serve_settings);
  serve->callback([&] { chosen.emplace_back([&] { return app::serve(serve_settings); }); });
  app::add_operator_commands(app, chosen);
  app::add_maintenance_commands(app, chosen);
  app::bulk::add_commands(app, chosen);
  app.add_subcommand("openapi", "Print the OpenAPI document")->callback([&] {
    chosen.emplace_back([] {
      std::cout << app::openapi_text();
      return 0;
    });
  });
  app.add_subcommand("version", "Print the version")->callback([&] {
    chosen.emplace_back([] {
      std::cout << "fealty " << FEALTY_VERSION << "\n";
      return 0;
    });
  });

  // CLI11 reads the environment after the settings file, too late for a file that is named there.
  std::vector<std::string> arguments(argv + 1, argv + argc);
  char const* const config = std::getenv("FEALTY_CONFIG");
  bool const has_config = std::ranges::any_of(arguments, [](std::string const& a) { return a.starts_with("--config"); });
  if (config != nullptr && *config != '\0' && !has_config) arguments.insert(arguments.begin(), {"--config", config});
  std::ranges::reverse(arguments);  // the order that CLI11 takes them in
  app.name(argv[0]);

  try {
    app.parse(std::move(arguments));
  } catch (CLI::ParseError const& e) {
    int const status = app.exit(e);
    return status == 0 ? 0 : 2;
  }
  if (auto const unknown = app::unknown_environment(app, environ); !unknown.empty()) {
    for (auto const& name : unknown)
      std::cerr << name << " is set in the environment, but there is no such setting. See: fealty serve --help\n";
    return 2;
  }
  if (serve->parsed()) {
    auto const problems = app::problems_of(serve_settings);
    for (auto const& p : problems) std::cerr << p << "\n";
    if (!problems.empty()) return 2;
  }
  try {
    return chosen.front()();
  } catch (app::OperatorError const& e) {
    std::cerr << e.what() << "\n";
  } catch (sql::StorageError const& e) {
    std::cerr << "Storage: " << e.what() << "\n";
  } catch (std::exception const& e) {
    std::cerr << "fealty failed: " << e.what() << "\n";
  }
  return 1;
}
