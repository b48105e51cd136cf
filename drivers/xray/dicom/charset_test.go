package dicom

import "testing"

// TestCharacterSets: texts as the standard's examples (PS3.5, annexes H to K) and careless writers have them.
func TestCharacterSets(t *testing.T) {
	for _, c := range []struct {
		name, set string
		vr        VR
		raw, want string
	}{
		{"Latin-1", "ISO_IR 100", "LO", "Qu\xe9bec", "Québec"},
		{"UTF-8", "ISO_IR 192", "LO", "Québec", "Québec"},
		{"GB18030", "GB18030", "LO", "Qu\xa8\xa6bec", "Québec"},
		{"GBK", "GBK", "LO", "\xba\xa3\xb9\xd8", "海关"},
		{"Latin-1 as an extension, without switching", `\ISO 2022 IR 100`, "LO", "Qu\xe9bec", "Québec"},
		{"Latin-1 as an extension", `\ISO 2022 IR 100`, "LO", "Qu\x1b-A\xe9bec", "Québec"},
		{"none", "", "LO", "Qu\xe9bec", "Qu\uFFFDbec"},
		{"none, and UTF-8", "", "LO", "Québec", "Québec"},
		{"Cyrillic", "ISO_IR 144", "PN", "\xbb\xee\xda\xe1", "Люкс"},
		{"spelt otherwise", "ISO-IR 100", "LO", "Qu\xe9bec", "Québec"},
		{"not known", "ISO_IR 999", "LO", "Quebec", "Quebec"},
		{"H.3.1: kanji behind ASCII", `\ISO 2022 IR 87`, "PN",
			"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
			"Yamada^Tarou=山田^太郎=やまだ^たろう"},
		{"H.3.2: katakana and kanji", `ISO 2022 IR 13\ISO 2022 IR 87`, "PN",
			"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
			"ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"},
		{"katakana alone", "ISO_IR 13", "LO", "\xb6\xdd\xbb\xb2 1~", "ｶﾝｻｲ 1\u203e"},
		{"I.2: Korean", `\ISO 2022 IR 149`, "PN",
			"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
			"Hong^Gildong=洪^吉洞=홍^길동"},
		{"Korean without switching", `\ISO 2022 IR 149`, "LO", "\xc8\xab\xb1\xe6\xb5\xbf", "홍길동"},
		{"K.2: Chinese", `\ISO 2022 IR 58`, "PN", "Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
			"Zhang^XiaoDong=张^小东="},
		{"a line end sets back", `\ISO 2022 IR 149`, "LT", "\x1b$)C\xb1\xe6\r\nplain", "길\r\nplain"},
		{"a backslash sets back", `ISO 2022 IR 100\ISO 2022 IR 144`, "LO", "\x1b-L\xbb\\\xe9", `Л\é`},
		{"supplementary kanji", `\ISO 2022 IR 159`, "LO", "\x1b$(D0!\x1b(B.", "丂."},
		{"a sequence that is not known", "ISO_IR 100", "LO", "a\x1b%Gb\xe9", "abé"},
		{"an escape at the end", "ISO_IR 100", "LO", "a\x1b", "a"},
		{"half a character", `\ISO 2022 IR 87`, "LO", "\x1b$B;", "\uFFFD"},
	} {
		d := Dataset{Text(SpecificCharacter, "CS", c.set), Text(0x00080080, c.vr, c.raw)}
		if got := d.Find(0x00080080).Decode(d.Charset()); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestSyntaxes: any compressed syntax is one whose header is read, also those that are not known.
func TestSyntaxes(t *testing.T) {
	for uid, encapsulated := range map[string]bool{
		ExplicitLE: false, JPEGBaseline: true, JPEGExtended: true, "1.2.840.10008.1.2.4.55": true,
		"1.2.840.10008.1.2.4.107": true, "1.2.840.10008.1.2.4.202": true,
		"1.2.840.10008.1.2.4.999": true, "1.2.840.10008.1.2.4.94": false,
	} {
		if s, ok := SyntaxOf(uid); !ok || s.Encapsulated != encapsulated || s.Name == "" || s.UID != uid {
			t.Errorf("%s: %+v, %v", uid, s, ok)
		}
	}
	if _, ok := SyntaxOf("1.2.3"); ok {
		t.Error("a private syntax is known")
	}
}
