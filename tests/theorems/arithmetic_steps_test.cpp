#include "theorems/arithmetic_steps.h"

#include <doctest/doctest.h>

#include <sstream>

#include "theorems/equation.h"
#include "theorems/random.h"

using namespace theorems;

namespace {

// Whether each "a*b=c", "a+b=c", "a-b=c" of the text is true.
bool all_true(const std::string& steps) {
  std::istringstream words(steps);
  for (std::string word; words >> word;) {
    const auto chain = read_chain(word);
    if (!chain || value((*chain)[0]) != value((*chain)[1])) return false;
  }
  return true;
}

std::string last_number(const std::string& steps) { return steps.substr(steps.rfind('=') + 1); }

}  // namespace

TEST_SUITE("theorems/arithmetic steps") {
  TEST_CASE("a product goes digit by digit of the second factor, with the sums so far") {
    CHECK(product_steps(37, 24) == "37*20=740 37*4=148 740+148=888");
    CHECK(product_steps(12, 345) == "12*300=3600 12*40=480 3600+480=4080 12*5=60 4080+60=4140");
    CHECK(product_steps(37, 204) == "37*200=7400 37*4=148 7400+148=7548");
  }

  TEST_CASE("a product with one digit that is not 0 is one step") {
    CHECK(product_steps(37, 4) == "37*4=148");
    CHECK(product_steps(4, 37) == "4*37=148");
    CHECK(product_steps(37, 400) == "37*400=14800");
    CHECK(product_steps(0, 37) == "0*37=0");
    CHECK(product_steps(37, 0) == "37*0=0");
  }

  TEST_CASE("a division takes one step a digit of the quotient, and none for its zeros") {
    CHECK(division_steps(888, 17) == "17*50=850 888-850=38 17*2=34 38-34=4");
    CHECK(division_steps(1705, 17) == "17*100=1700 1705-1700=5");
    CHECK(division_steps(34, 17) == "17*2=34 34-34=0");
    CHECK(division_steps(9, 17) == "9<17");
    CHECK(division_steps(0, 1) == "0<1");
    CHECK(division_steps(7, 1) == "1*7=7 7-7=0");
  }

  TEST_CASE("sums and differences are one step, differences also below 0") {
    CHECK(sum_step(740, 148) == "740+148=888");
    CHECK(difference_step(888, 850) == "888-850=38");
    CHECK(difference_step(3, 5) == "3-5=-2");
  }

  TEST_CASE("every step is true, and the last number is the product or the remainder") {
    Random random(1);
    for (int i = 0; i < 5000; ++i) {
      const Integer a = random.between(0, 99'999), b = random.between(1, 9'999);
      const std::string product = product_steps(a, b);
      CHECK(all_true(product));
      CHECK(last_number(product) == to_text(a * b));
      if (a < b) continue;
      const std::string division = division_steps(a, b);
      CHECK(all_true(division));
      CHECK(last_number(division) == to_text(a % b));
    }
  }

  TEST_CASE("what does not fit into thirty digits throws") {
    const Integer large = *read_integer(std::string(30, '9'));
    CHECK_THROWS_AS(product_steps(large, 2), TooLarge);
    CHECK_THROWS_AS(sum_step(large, 1), TooLarge);
    CHECK(division_steps(large, large) == to_text(large) + "*1=" + to_text(large) + " " +
                                              to_text(large) + "-" + to_text(large) + "=0");
  }
}
