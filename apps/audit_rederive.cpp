#include "apps/audit_rederive.h"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>

#include "apps/exit.h"
#include "apps/role_models.h"

namespace apps {

namespace net = boost::asio;

audit::Rederived rederive_run(const Settings& settings, const storage::LedgerReader& reader,
                              const storage::RunRow& run, int64_t calls) {
  const LocalModels local(choose_roles(settings));
  if (!local.any() && settings.is_set("base-url"))
    throw Exit(ExitCode::Usage,
               fmt::format("run {} can be derived again only with its model in this process, but a "
                           "server is named ({}): leave it out, or name each role's model, as in "
                           "--role verifier=directory=DIR",
                           run.id, settings.at("base-url").origin));
  if (!local.any())
    throw Exit(ExitCode::Usage,
               fmt::format("run {} can be derived again only with its model in this process: give "
                           "--model DIRECTORY (the run's model is '{}')",
                           run.id, run.model));
  pipeline::RoleSet roles = server_roles(local.choices());
  for (bool& role : roles) role = !role;
  net::io_context context(1);
  pipeline::RoleChat model(local.chats(context.get_executor()));
  audit::Rederived result;
  std::exception_ptr failure;
  net::co_spawn(context, audit::rederive(reader, run, model, roles, calls),
                [&](std::exception_ptr error, audit::Rederived rederived) {
                  failure = error;
                  result = std::move(rederived);
                });
  context.run();
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const std::runtime_error& error) {
    throw Exit(ExitCode::Usage, error.what());
  }
  return result;
}

}  // namespace apps
