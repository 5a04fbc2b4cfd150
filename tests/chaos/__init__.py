"""Everything fails, again and again, under load: is an accepted job finished, and only once?"""
