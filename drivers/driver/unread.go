package driver

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"lanewarden/drivers/message"
)

// Unread names a file of a known kind that no driver reads, by its beginning (up to HeadBytes), and says what
// converts it: such files come into drop folders with those that are read. It returns the zero Message for a file of
// any other kind.
func Unread(head []byte) message.Message {
	for _, k := range unread {
		if k.is(head) {
			return message.New("unread.file", message.Nested("kind", message.New(k.kind)),
				message.Nested("advice", message.New(k.advice)))
		}
	}
	return message.Message{}
}

var unread = []struct {
	kind, advice string // codes
	is           func(head []byte) bool
}{
	{"unread.aspect", "unread.to-n42-aspect", isAspectSPC},
	{"unread.radiacode", "unread.to-n42", func(h []byte) bool {
		return bytes.HasPrefix(text(h), []byte("<")) &&
			(bytes.Contains(h, []byte("<ResultDataFile")) || bytes.Contains(h, []byte("<ResultDataList")))
	}},
	{"unread.spe", "unread.to-n42", isSPE},
	{"unread.lsrm", "unread.to-n42", func(h []byte) bool {
		return bytes.HasPrefix(text(h), []byte("SHIFR=")) || bytes.Contains(h, []byte("\nTLIVE="))
	}},
	{"unread.iaea", "unread.to-n42", func(h []byte) bool {
		return bytes.Contains(h, []byte("SpectrumName")) && bytes.Contains(h, []byte("LiveTime"))
	}},
	{"unread.chn", "unread.to-n42", isCHN},
	{"unread.ortec", "unread.to-n42", isOrtecSPC},
	{"unread.pcf", "unread.to-n42", isPCF},
	{"unread.amptek", "unread.to-n42", prefix("<<PMCA SPECTRUM>>")},
	{"unread.uri", "unread.to-n42", prefix("RADDATA://")},
	{"unread.jpeg", "unread.viewer", magic("\xff\xd8\xff")},
	{"unread.png", "unread.viewer", magic("\x89PNG\r\n\x1a\n")},
	{"unread.tiff", "unread.viewer", func(h []byte) bool { return magic("II*\x00")(h) || magic("MM\x00*")(h) }},
	{"unread.bmp", "unread.viewer", isBMP},
	{"unread.gif", "unread.viewer", magic("GIF8")},
	{"unread.pdf", "unread.viewer", magic("%PDF-")},
	{"unread.gzip", "unread.uncompressed", magic("\x1f\x8b")},
	{"unread.zip", "unread.uncompressed", magic("PK\x03\x04")},
	{"unread.zstd", "unread.uncompressed", magic("\x28\xb5\x2f\xfd")},
	{"unread.bzip2", "unread.uncompressed", magic("BZh")},
	{"unread.xz", "unread.uncompressed", magic("\xfd7zXZ\x00")},
	{"unread.7zip", "unread.uncompressed", magic("7z\xbc\xaf\x27\x1c")},
	{"unread.zlib", "unread.uncompressed", isZlib},
}

// isBMP recognises a bitmap by its magic, its reserved bytes and the size of its second header, which the two letters
// alone would not do for a text.
func isBMP(head []byte) bool {
	return len(head) >= 18 && bytes.HasPrefix(head, []byte("BM")) && binary.LittleEndian.Uint32(head[6:]) == 0 &&
		binary.LittleEndian.Uint32(head[14:]) < 256
}

// magic recognises a file by its first bytes.
func magic(want string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(want)) }
}

// isZlib recognises RFC 1950's header with the usual window of 32 KiB, as senders of Content-Encoding: deflate begin.
// What follows is no text, or it would be one that begins with an x.
func isZlib(head []byte) bool {
	if len(head) < 4 || head[0] != 0x78 || (int(head[0])<<8|int(head[1]))%31 != 0 {
		return false
	}
	return !utf8.Valid(head[:min(len(head), 32)]) || bytes.IndexByte(head[:min(len(head), 32)], 0) >= 0
}

// text returns what follows a byte order mark and blanks.
func text(head []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
}

func prefix(want string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(text(head), []byte(want)) }
}

// isAspectSPC recognises a header without any magic number by what its fields must be: 512 bytes, little endian, with
// the number of channels at 46 hex, the first and last one at 50 and 52, start (day, month, year-2000, hour, minute,
// second) at 38, live and real time (ms) at 3E and 42. Source: NPC Aspect, spectrum_file_format_en.h, as SpecUtils
// cites it.
func isAspectSPC(head []byte) bool {
	if len(head) < 512 {
		return false
	}
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	channels, first, last := u16(head[0x46:]), u16(head[0x50:]), u16(head[0x52:])
	live, real := u32(head[0x3e:]), u32(head[0x42:])
	start := head[0x38:0x3e]
	unset := bytes.Equal(start, make([]byte, 6))
	valid := start[0] >= 1 && start[0] <= 31 && start[1] >= 1 && start[1] <= 12 && start[3] < 24 && start[4] < 60 &&
		start[5] < 60
	return channels >= 16 && first == 0 && last == channels-1 && live > 0 && live <= real && (unset || valid)
}

// isSPE recognises a section such as $SPEC_ID: on the first line.
func isSPE(head []byte) bool {
	line, _, _ := bytes.Cut(text(head), []byte("\n"))
	line = bytes.TrimRight(line, " \r")
	if len(line) < 4 || line[0] != '$' || line[len(line)-1] != ':' {
		return false
	}
	for _, c := range line[1 : len(line)-1] {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// isCHN recognises the header of 32 bytes: -1, and a date such as 05JAN271 at 16. Source: ORTEC, Software File
// Structure Manual, 4.2.
func isCHN(head []byte) bool {
	if len(head) < 32 || head[0] != 0xff || head[1] != 0xff {
		return false
	}
	for i, c := range head[16:24] {
		letter := i >= 2 && i <= 4
		if letter && (c|0x20 < 'a' || c|0x20 > 'z') || !letter && (c < '0' || c > '9') && c != ' ' && c != '*' && c != 0 {
			return false
		}
	}
	return true
}

// isOrtecSPC recognises the two words of the first record: 1, and 1 (whole counts) or 5 (real ones). The records that
// they point to begin at 1.
func isOrtecSPC(head []byte) bool {
	if len(head) < 128 {
		return false
	}
	kind := binary.LittleEndian.Uint16(head[2:])
	acquisition := binary.LittleEndian.Uint16(head[8:])
	return binary.LittleEndian.Uint16(head) == 1 && (kind == 1 || kind == 5) && acquisition > 0 && acquisition < 64
}

// isPCF recognises the number of records a spectrum (256 bytes each) and the version, or the header of deviation
// pairs. Source: GADRAS user's manual, SAND2019-14655, annex PCF.
func isPCF(head []byte) bool {
	if len(head) < 256 {
		return false
	}
	if bytes.Contains(head[:min(len(head), 512)], []byte("DeviationPairsInFile")) {
		return true
	}
	records := binary.LittleEndian.Uint16(head)
	return records > 1 && records < 1024 && (string(head[2:5]) == "DHS" || string(head[2:5]) == "783")
}
