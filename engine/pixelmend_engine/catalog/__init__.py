"""What each family offers: sizes, models, weight files. Read without torch."""
