package llrp

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
)

// The partition tables of EPC Tag Data Standard 1.13, section 14: bits and digits of the company prefix; of the item, what is left.
var (
	companyBits   = [7]uint{40, 37, 34, 30, 27, 24, 20}
	companyDigits = [7]int{12, 11, 10, 9, 8, 7, 6}
)

// EPCURI says what an EPC is: its scheme, and its pure identity URI. One of no scheme that is known is raw.
func EPCURI(epc []byte) (scheme, uri string) {
	raw := fmt.Sprintf("urn:epc:raw:%d.x%s", 8*len(epc), strings.ToUpper(hex.EncodeToString(epc)))
	if len(epc) != 12 {
		return "raw", raw
	}
	n := new(big.Int).SetBytes(epc)
	bits := func(from, count uint) *big.Int { // from the top
		v := new(big.Int).Rsh(n, 96-from-count)
		return v.And(v, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), count), big.NewInt(1)))
	}
	partition := bits(11, 3).Uint64()
	partitioned := epc[0] == 0x30 || epc[0] == 0x33 || epc[0] == 0x34
	if partitioned && partition > 6 {
		return "raw", raw
	}
	company := ""
	fits := true
	digits := func(v *big.Int, n int) string {
		s := v.String()
		if n == 0 && s == "0" {
			return ""
		}
		fits = fits && len(s) <= n
		return strings.Repeat("0", max(0, n-len(s))) + s
	}
	if partitioned {
		company = digits(bits(14, companyBits[partition]), companyDigits[partition])
	}
	after := 14 + companyBits[min(partition, 6)]
	switch epc[0] {
	case 0x30:
		item := digits(bits(after, 58-after), 13-companyDigits[partition])
		scheme, uri = "sgtin-96", fmt.Sprintf("urn:epc:id:sgtin:%s.%s.%s", company, item, bits(58, 38))
	case 0x33:
		kind := digits(bits(after, 58-after), 12-companyDigits[partition])
		scheme, uri = "grai-96", fmt.Sprintf("urn:epc:id:grai:%s.%s.%s", company, kind, bits(58, 38))
	case 0x34:
		scheme, uri = "giai-96", fmt.Sprintf("urn:epc:id:giai:%s.%s", company, bits(after, 96-after))
	case 0x35:
		scheme, uri = "gid-96", fmt.Sprintf("urn:epc:id:gid:%s.%s.%s", bits(8, 28), bits(36, 24), bits(60, 36))
	}
	if scheme == "" || !fits {
		return "raw", raw
	}
	return scheme, uri
}
