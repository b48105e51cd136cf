package sheet

import (
	"encoding/hex"
	"regexp"
	"strings"

	"lanewarden/drivers/identifier"
	"lanewarden/drivers/message"
	"lanewarden/firmware-config/lists"
)

// maxTarget bounds a target's key in characters: lists.TargetKey has its length in a byte.
const maxTarget = 64

// parsed reads an identifier into to; code says what the cell is not. A check digit that is wrong is an error: a list
// with a wrong number never matches the right one.
func parsed(to *string, cell string, parse func(string) (identifier.Reading, error), code string) error {
	if err := codeTrap(cell); err != nil {
		return err
	}
	r, err := parse(cell)
	if err != nil {
		return message.Errorf(code, message.Quoted("value", cell))
	}
	if r.Check == identifier.CheckWrong {
		return message.Errorf("lists.check-digit", message.Quoted("value", cell))
	}
	*to = r.Value
	return nil
}

// carrierLength is how many characters a carrier code has.
const carrierLength = 4

func carrier(to *string, cell string) error {
	if len(cell) < carrierLength && digits(cell) {
		return message.Errorf("lists.lost-zero", message.Quoted("value", cell), message.Int("want", carrierLength))
	}
	return parsed(to, cell, identifier.ParseCarrierCode, "lists.no-carrier")
}

func scac(to *string, cell string) error {
	return parsed(to, cell, identifier.ParseSCAC, "lists.no-scac")
}

func driver(to *string, cell string) error {
	return parsed(to, cell, identifier.ParseDriverNumber, "lists.no-driver")
}

func importer(to *string, cell string) error {
	return parsed(to, cell, identifier.ParseImporter, "lists.no-importer")
}

func cargo(to *string, cell string) error {
	return parsed(to, cell, identifier.ParseCargoControl, "lists.no-cargo")
}

func conveyance(to *string, cell string) error {
	return parsed(to, cell, identifier.ParseConveyance, "lists.no-conveyance")
}

func container(to *string, cell string) error {
	return parsed(to, cell, identifier.ParseContainer, "lists.no-container")
}

func seal(to *string, cell string) error {
	return parsed(to, cell, identifier.ParseSeal, "lists.no-seal")
}

// inBondOrCCN reads an in-bond number, whose check digit must agree, or a cargo control number.
func inBondOrCCN(to *string, cell string) error {
	if r, err := identifier.ParseInBond(cell); err == nil && r.Check == identifier.CheckOK {
		*to = r.Value
		return codeTrap(cell)
	}
	return parsed(to, cell, identifier.ParseCargoControl, "lists.no-inbond")
}

// chip reads what a chip of EPC Gen2 holds, in hex: words of 16 bits, at most 31 of them.
func chip(to *[]byte, cell string) error {
	if err := codeTrap(cell); err != nil {
		return err
	}
	b, err := hex.DecodeString(strings.ReplaceAll(cell, " ", ""))
	if err != nil || len(b)%2 != 0 || len(b) < 4 || len(b) > 62 {
		return message.Errorf("lists.no-chip", message.Quoted("value", cell))
	}
	*to = b
	return nil
}

// heading reads an HS heading of 4 to 10 digits. An odd number of them has lost its zero.
func heading(to *string, cell string) error {
	if err := codeTrap(cell); err != nil {
		return err
	}
	code := strings.ReplaceAll(cell, ".", "")
	switch {
	case digits(code) && len(code)%2 == 1 && len(code) >= 3 && len(code) < 10:
		return message.Errorf("lists.lost-zero", message.Quoted("value", cell), message.Int("want", len(code)+1))
	case !digits(code) || len(code) < 4 || len(code) > 10:
		return message.Errorf("lists.no-heading", message.Quoted("value", cell))
	}
	*to = code
	return nil
}

var examForm = regexp.MustCompile(`^[A-Z][A-Z0-9]{1,7}$`)

// exam reads the code of an examination; the policy file has their names.
func exam(to *string, cell string) error {
	code := strings.ToUpper(cell)
	if !examForm.MatchString(code) {
		return message.Errorf("lists.no-exam", message.Quoted("value", cell))
	}
	*to = code
	return nil
}

func program(to *string, cell string) error {
	return oneOf(to, strings.ToUpper(cell), "CSA", "PIP", "CTPAT")
}

func status(to *lists.Status, cell string) error {
	return oneOf((*string)(to), strings.ToLower(cell), string(lists.Active), string(lists.Suspended), string(lists.Revoked))
}

func keyType(to *lists.KeyType, cell string) error {
	var known []string
	for _, t := range lists.KeyTypes() {
		known = append(known, string(t))
	}
	return oneOf((*string)(to), strings.ToLower(cell), known...)
}

func match(to *bool, cell string) error {
	var how string
	err := oneOf(&how, strings.ToLower(cell), "exact", "prefix")
	*to = how == "prefix"
	return err
}

// targetKeys read the exact keys of targets.
var targetKeys = map[lists.KeyType]func(to *string, cell string) error{
	lists.TargetCCN:       cargo,
	lists.TargetCRN:       conveyance,
	lists.TargetContainer: container,
	lists.TargetPlate:     plate,
	lists.TargetTag:       tag,
	lists.TargetDriver:    driver,
	lists.TargetBN:        importer,
	lists.TargetCarrier:   carrier,
	lists.TargetSeal:      seal,
	lists.TargetHS:        heading,
}

func plate(to *string, cell string) error {
	if *to = identifier.NormalPlate(cell); len(*to) < 2 {
		return message.Errorf("lists.no-plate", message.Quoted("value", cell))
	}
	return codeTrap(cell)
}

// tag reads an EPC and writes it in upper case.
func tag(to *string, cell string) error {
	var b []byte
	err := chip(&b, cell)
	*to = strings.ToUpper(hex.EncodeToString(b))
	return err
}

// minPrefix is how long the beginning of a key is at least: a shorter one would be of every truck.
const minPrefix = 2

var prefixForm = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]*$`)

// targetKey checks a target's key by its type. Of a beginning only the characters can be checked.
func targetKey(t *lists.Target) error {
	cell := t.Key
	if !t.Prefix {
		return targetKeys[t.Type](&t.Key, cell)
	}
	if err := codeTrap(cell); err != nil {
		return err
	}
	key := strings.ToUpper(cell)
	switch t.Type {
	case lists.TargetPlate:
		key = identifier.NormalPlate(cell)
	case lists.TargetSeal, lists.TargetContainer, lists.TargetBN:
		key = identifier.NormalSeal(cell)
	case lists.TargetHS:
		key = strings.ReplaceAll(cell, ".", "")
	}
	if len(key) < minPrefix || t.Type != lists.TargetPlate && !prefixForm.MatchString(key) {
		return message.Errorf("lists.no-prefix", message.Quoted("value", cell), message.Int("least", minPrefix))
	}
	t.Key = key
	return nil
}
