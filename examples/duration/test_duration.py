import unittest

from duration import parse


class Parse(unittest.TestCase):
    def test_one_unit(self):
        self.assertEqual(parse("90s"), 90)

    def test_several_units_add_up(self):
        self.assertEqual(parse("1h30m"), 5_400)

    def test_refuses_what_is_no_duration(self):
        for text in ("", "1", "h", "1h 30m"):
            with self.assertRaises(ValueError):
                parse(text)


if __name__ == "__main__":
    unittest.main()
