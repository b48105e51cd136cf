package message

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
)

// readXML returns the error of a document.
func readXML(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestOfSyntax reads bad text with the standard library itself: what it says is not ours, and may change.
func TestOfSyntax(t *testing.T) {
	readJSON := func(text string) error {
		var into struct{ Speed int }
		return json.Unmarshal([]byte(text), &into)
	}
	failed := func(_ any, err error) error { return err }
	for _, c := range []struct {
		err    error
		en, fr string
	}{
		{readXML("<a><b>"), "the XML ends in the middle", "le XML s’arrête au milieu"},
		{readXML("<a></b>"), "<a> is closed by </b>", "<a> est fermé par </b>"},
		{readXML("</b>"), "</b> closes no element", "</b> ne ferme aucun élément"},
		{readXML("<a>&x;</a>"),
			"&x; stands for no character that XML knows", "&x; ne désigne aucun caractère connu de XML"},
		{readXML("<a>&x</a>"),
			"&x stands for no character that XML knows", "&x ne désigne aucun caractère connu de XML"},
		{readXML("<a>\x01</a>"), "XML does not allow the character U+0001", "XML n’admet pas le caractère U+0001"},
		{readXML("<a>\xff</a>"), "the text is not valid UTF-8", "le texte n’est pas en UTF-8 valide"},
		{readXML("<a b/>"),
			"an attribute has no name, or no value in quotation marks",
			"un attribut n’a pas de nom, ou pas de valeur entre guillemets"},
		{readXML("<a b=1/>"),
			"an attribute has no name, or no value in quotation marks",
			"un attribut n’a pas de nom, ou pas de valeur entre guillemets"},
		{readXML("< a/>"), "no element's name follows <", "aucun nom d’élément ne suit <"},
		{readXML("<a>]]></a>"), "it is not well-formed XML", "le XML est mal formé"},
		{readJSON(`{"Speed":`), "the JSON ends in the middle", "le JSON s’arrête au milieu"},
		{readJSON(`{"Speed":x}`),
			"'x' stands where a value should begin", "'x' se trouve là où une valeur devrait commencer"},
		{readJSON(`{x:1}`),
			"'x' stands where a name in quotation marks should begin",
			"'x' se trouve là où un nom entre guillemets devrait commencer"},
		{readJSON(`{"Speed" 1}`),
			"'1' stands after a name, where a colon should be",
			"'1' suit un nom, là où il faudrait un deux-points"},
		{readJSON(`{"Speed":1 2}`),
			"'2' stands after a value of an object, where a comma or } should be",
			"'2' suit une valeur d’un objet, là où il faudrait une virgule ou }"},
		{readJSON(`[1 2]`),
			"'2' stands after a value of a list, where a comma or ] should be",
			"'2' suit une valeur d’une liste, là où il faudrait une virgule ou ]"},
		{readJSON(`{}}`), "'}' stands after the end", "'}' se trouve après la fin"},
		{readJSON("\"\n\""),
			`'\n' is not allowed within quotation marks`, `'\n' n’est pas admis entre guillemets`},
		{readJSON(`"\q"`),
			"'q' is not allowed after a backslash", "'q' n’est pas admis après une barre oblique inverse"},
		{readJSON(`"\ux"`),
			"'x' is not allowed after a backslash", "'x' n’est pas admis après une barre oblique inverse"},
		{readJSON(`trux`),
			"'x' stands in a word that is neither true, false nor null",
			"'x' se trouve dans un mot qui n’est ni true, ni false, ni null"},
		{readJSON(`1.x`), "'x' is not allowed in a number", "'x' n’est pas admis dans un nombre"},
		{readJSON(strings.Repeat("[", 20_000)), "it is not well-formed JSON", "le JSON est mal formé"},
		{readJSON(`{"Speed":"fast"}`), "Speed may not be a text", "Speed ne peut pas être un texte"},
		{readJSON(`{"Speed":1e99}`), "Speed may not be this number", "Speed ne peut pas être ce nombre"},
		{failed(strconv.Atoi("x")), `"x" is not a number`, "«\u00a0x\u00a0» n’est pas un nombre"},
		{failed(strconv.ParseInt("999", 10, 8)),
			"the number 999 is too large or too small", "le nombre 999 est trop grand ou trop petit"},
		{failed(time.Parse(time.RFC3339, "noon")), `"noon" is not a time`, "«\u00a0noon\u00a0» n’est pas une heure"},
		{failed(base64.StdEncoding.DecodeString("QQ=x")), "the base64 is wrong at byte 2", "le base64 est faux à l’octet 2"},
		{failed(hex.DecodeString("zz")), "it is not hexadecimal", "le texte n’est pas en hexadécimal"},
		{failed(hex.DecodeString("a")), "it is not hexadecimal", "le texte n’est pas en hexadécimal"},
	} {
		if c.err == nil {
			t.Errorf("%s: no error", c.en)
			continue
		}
		m := Of(fmt.Errorf("gate.json: %w", c.err))
		if got := m.In(English); got != "gate.json: "+c.en {
			t.Errorf("%v: English %q, want %q", c.err, got, c.en)
		}
		if got := m.In(French); got != "gate.json\u00a0: "+c.fr {
			t.Errorf("%v: French %q, want %q", c.err, got, c.fr)
		}
	}
}
