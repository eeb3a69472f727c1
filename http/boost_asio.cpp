// The one place where Asio and Beast are compiled; every other file only declares them. This cuts
// the compile time of each file that includes them by almost half.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
