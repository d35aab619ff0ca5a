DROP :type IF EXISTS main.:"name"
