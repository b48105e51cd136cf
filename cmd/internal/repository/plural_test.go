package repository

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// counted is a number before a word that reads as a plural.
	counted = regexp.MustCompile(`"[^"\n]*%d (?:[a-z]+ )?(?:bytes|rows|points|characters|digits|lines|measurements|` +
		`detectors|scans|records|observations|vehicles|messages|alarms|faults|devices|labels|files|elements|frames|objects)\b[^"\n]*"`)
	// several says that the number is never 1: a limit, or what went over one.
	several = regexp.MustCompile(`than %d |most %d |least %d |limit of %d |to %d |not %d |up to %d |last %d |` +
		`over the limit|longer than|are read|with up to|must be %d|more than %d"|has more than|is %d`)
	// article is an article before a word that is not known yet: "a encapsulated PDF".
	article = regexp.MustCompile(`"[^"\n]*\b[Aa]n? %[sv]\b`)
)

// internal are packages whose texts are for who writes programs, not for who runs a lane.
var internal = regexp.MustCompile(`_test\.go$|\.pb\.go$|drivertest/|/sim/|^sync/wire/|^edge/evidence/|^edge/journal/|` +
	`^edge/lane/passage/|^cmd/internal/(e2e|scenario|repository)/|^drivers/xray/(pixel|dimse|dicom)/`)

// What people read has "1 line" and "2 lines", and no article before a word that may begin with any letter.
func TestPluralsAndArticles(t *testing.T) {
	for _, f := range tracked(t) {
		if !strings.HasSuffix(f, ".go") || internal.MatchString(f) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			continue // deleted and not yet committed
		}
		for _, hit := range counted.FindAllString(string(text), -1) {
			if !several.MatchString(hit) {
				t.Errorf("%s: %s: use english.PluralWord, for it may be 1", f, hit)
			}
		}
		for _, hit := range article.FindAllString(string(text), -1) {
			t.Errorf("%s: %s: the article depends on the word", f, hit)
		}
	}
}
