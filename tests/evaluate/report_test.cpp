#include "evaluate/report.hpp"

#include <gtest/gtest.h>

#include "base/files.hpp"
#include "base/temporary_folder.hpp"

namespace euterpe {
namespace {

std::string base64_of(std::string_view text) {
  return base64({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

TEST(Base64, GivesTheVectorsOfRfc4648) {
  EXPECT_EQ(base64_of(""), "");
  EXPECT_EQ(base64_of("f"), "Zg==");
  EXPECT_EQ(base64_of("fo"), "Zm8=");
  EXPECT_EQ(base64_of("foo"), "Zm9v");
  EXPECT_EQ(base64_of("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64_of("\xFB\xFF"), "+/8=");
}

TEST(HtmlEscape, LeavesNoMarkupInATitle) {
  EXPECT_EQ(html_escape("<script>alert('x' & \"y\")</script>"),
            "&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;");
  EXPECT_EQ(html_escape("caf\xC3\xA9"), "caf\xC3\xA9");
  EXPECT_EQ(html_escape("caf\xE9!"), "caf\uFFFD!");
  EXPECT_EQ(html_escape("\xC0\xBC"), "\uFFFD\uFFFD");  // an overlong '<'
}

TEST(HtmlReport, HoldsEverythingInItselfAndMarksWhatIsSimulated) {
  const TemporaryFolder folder;
  write_file(folder / "a.png", std::string_view("PNG"));
  write_file(folder / "a.mp3", std::string_view("MP3"));
  HtmlReport report("Demo <1>");
  report.section("Real");
  report.table({"a", "b"}, {{"1", "x < y"}});
  report.section("Listeners", true);
  report.picture(folder / "a.png", "a \"plot\"");
  report.audio(folder / "a.mp3", "a song");
  report.write(folder / "report.html");
  const std::string html = read_text(folder / "report.html");
  EXPECT_NE(html.find("<title>Demo &lt;1&gt;</title>"), std::string::npos);
  EXPECT_NE(html.find("<td>x &lt; y</td>"), std::string::npos);
  EXPECT_NE(html.find("data:image/png;base64,UE5H"), std::string::npos);
  EXPECT_NE(html.find("data:audio/mpeg;base64,TVAz"), std::string::npos);
  EXPECT_NE(html.find("Listeners <span class=\"badge\">simulated</span>"), std::string::npos);
  EXPECT_EQ(html.find("Real <span"), std::string::npos);
  EXPECT_EQ(html.find("http"), std::string::npos);  // nothing is fetched from elsewhere
}

}  // namespace
}  // namespace euterpe
